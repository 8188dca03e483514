// Takes a new credential out of its envelope, in this browser and nowhere else.
//
// The private key is made here, can not be exported, and waits in IndexedDB so that a reload does not lose it. The
// envelope is a compact JWE: ECDH-ES on P-256 straight to an A256GCM key (RFC 7518 §4.6, §5.3).

const utf8 = new TextEncoder();
const CURVE = { name: "ECDH", namedCurve: "P-256" };
const SHOWN_S = 60;

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

export const openEnvelope = async (compact, privateKey) => {
  const parts = compact.trim().split(".");
  if (parts.length !== 5 || parts[1] !== "") throw new Error("This is not an envelope made for this page.");
  const header = JSON.parse(new TextDecoder().decode(unbase64url(parts[0])));
  if (header.alg !== "ECDH-ES" || header.enc !== "A256GCM" || header.crit || header.zip || header.epk?.crv !== "P-256") {
    throw new Error("This envelope is sealed in a way this page does not open.");
  }
  const { kty, crv, x, y } = header.epk;
  const epk = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, CURVE, false, []);
  const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: epk }, privateKey, 256));
  const part = (name) => unbase64url(header[name] ?? "");
  const raw = await concatKdf(shared, header.enc, part("apu"), part("apv"), 256);
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

export const keyFor = async (name) => {
  const kept = await asked((await keys("readonly")).get(name));
  if (kept) return kept;
  const pair = await crypto.subtle.generateKey(CURVE, false, ["deriveBits"]);
  await asked((await keys("readwrite")).put(pair, name));
  return pair;
};

export const forget = async (name) => asked((await keys("readwrite")).delete(name));

const page = document.getElementById("hand-over");

const send = async (method, url, body) => {
  const headers = { "content-type": "application/json", "x-csrftoken": page.dataset.csrf, accept: "application/json" };
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(problem.detail ?? "The desk did not answer. Wait a moment and reload this page."), { status: answer.status });
};

const part = (id) => document.getElementById(id);

const walkTo = (id) => {
  for (const item of page.querySelectorAll(".walk > li")) {
    const passed = item.compareDocumentPosition(part(id)) & Node.DOCUMENT_POSITION_FOLLOWING;
    item.className = item.id === id ? "now" : passed ? "done" : "";
  }
};

const say = (text) => {
  part("problem").textContent = text;
  part("problem").hidden = !text;
};

// Each step may fail in words; the page then says them and stays where it is.
const attempt = (step) => async (event) => {
  event?.preventDefault();
  const button = event?.submitter ?? null;
  if (button) button.disabled = true;
  say("");
  try {
    await step(event);
  } catch (error) {
    say(error.message);
  } finally {
    if (button) button.disabled = false;
  }
};

const show = (credential) => {
  part("credential").textContent = credential;
  part("waiting").hidden = true;
  part("opened").hidden = false;
  let left = SHOWN_S;
  const clear = () => {
    clearInterval(clock);
    part("credential").textContent = "";
    part("opened").hidden = true;
    part("waiting").textContent = "It has been shown and is gone from this page. If you did not save it, call the desk again.";
    part("waiting").hidden = false;
  };
  const tell = () => { part("left").textContent = `Disappears in ${left} s`; };
  const clock = setInterval(() => (--left > 0 ? tell() : clear()), 1000);
  tell();
  addEventListener("pagehide", clear);
  part("copy").addEventListener("click", attempt(async () => {
    await navigator.clipboard.writeText(credential);
    part("copy").textContent = "Copied";
  }));
};

const start = async () => {
  const { case: name, keyUrl, beginUrl, answerUrl, envelopeUrl } = page.dataset;
  let pair;
  await attempt(async () => {
    pair = await keyFor(name);
    const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
    await send("PUT", keyUrl, { kty, crv, x, y });
    part("prove").hidden = false;
    walkTo("step-prove");
  })();
  part("begin").addEventListener("submit", attempt(async () => {
    await send("POST", beginUrl, { method: part("method").value });
    part("answer").hidden = false;
    part("code").focus();
  }));
  part("answer").addEventListener("submit", attempt(async () => {
    await send("POST", answerUrl, { answer: part("code").value });
    part("prove").hidden = true;
    walkTo("step-open");
    const envelope = await (await send("POST", envelopeUrl)).text();
    show(await openEnvelope(envelope, pair.privateKey));
    await forget(name);
  }));
};

if (page) await start();
