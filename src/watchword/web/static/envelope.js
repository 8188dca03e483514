// Opens what was sealed to a key that this browser made and can not give away.
//
// The private key can not be exported and waits in IndexedDB, so that a reload does not lose it. The envelope is a
// compact JWE: ECDH-ES on P-256 straight to an A256GCM key (RFC 7518 §4.6, §5.3).

const utf8 = new TextEncoder();
const CURVE = { name: "ECDH", namedCurve: "P-256" };

export const unbase64url = (text) => {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
};

const joined = (...parts) => new Uint8Array(parts.flatMap((p) => [...p]));
const uint32 = (n) => new Uint8Array([n >>> 24, n >>> 16, n >>> 8, n]);
const prefixed = (bytes) => joined(uint32(bytes.length), bytes);

// Concat KDF with SHA-256, one round: RFC 7518 §4.6.2 (AlgorithmID is "enc" when the agreed key is used directly).
export const concatKdf = async (shared, enc, apu, apv, bits) => {
  const other = joined(prefixed(utf8.encode(enc)), prefixed(apu), prefixed(apv), uint32(bits));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(uint32(1), shared, other)));
};

// What the page says of it stands there, in the language it is written in.
const foreign = () => Object.assign(new Error("This is not an envelope made for this page."), { name: "Envelope" });

export const openEnvelope = async (compact, privateKey) => {
  const parts = compact.trim().split(".");
  if (parts.length !== 5 || parts[1] !== "") throw foreign();
  const header = JSON.parse(new TextDecoder().decode(unbase64url(parts[0])));
  if (header.alg !== "ECDH-ES" || header.enc !== "A256GCM" || header.crit || header.zip || header.epk?.crv !== "P-256") {
    throw foreign();
  }
  const { kty, crv, x, y } = header.epk;
  const epk = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, CURVE, false, []);
  const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: epk }, privateKey, 256));
  const party = (name) => unbase64url(header[name] ?? "");
  const raw = await concatKdf(shared, header.enc, party("apu"), party("apv"), 256);
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
  const [iv, sealed, tag] = parts.slice(2).map(unbase64url);
  const gcm = { name: "AES-GCM", iv, additionalData: utf8.encode(parts[0]), tagLength: 128 };
  return new TextDecoder().decode(await crypto.subtle.decrypt(gcm, key, joined(sealed, tag)));
};

const asked = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

const keys = async (mode) => {
  const opening = indexedDB.open("watchword", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("keys");
  return (await asked(opening)).transaction("keys", mode).objectStore("keys");
};

export const keptKey = async (name) => asked((await keys("readonly")).get(name));

export const makeKey = async (name) => {
  const kept = await keptKey(name);
  if (kept) return kept;
  const pair = await crypto.subtle.generateKey(CURVE, false, ["deriveBits"]);
  await asked((await keys("readwrite")).put(pair, name));
  return pair;
};

export const publicKey = async (pair) => {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return { kty, crv, x, y };
};

export const keepKey = async (name, kept) => asked((await keys("readwrite")).put(kept, name));

export const forgetKey = async (name) => asked((await keys("readwrite")).delete(name));
