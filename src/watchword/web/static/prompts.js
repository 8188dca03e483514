// A browser that answers prompts. Its key is made here, can not be exported, and signs every answer.

import { base64url } from "/static/assertion.js";
import { keptKey, keepKey, publicKey, unbase64url } from "/static/envelope.js";
import { about, mark } from "/static/mistyped.js";

const EVERY_MS = 2000;
const KEY = "prompts";
const SIGNING = { name: "ECDSA", hash: "SHA-256" };

const utf8 = new TextEncoder();
const part = (id) => document.getElementById(id);
const words = JSON.parse(part("prompts").dataset.say);
const show = (id, yes) => { part(id).hidden = !yes; };

const say = (text) => {
  if (part("problem").textContent !== text) part("problem").textContent = text;
  show("problem", Boolean(text));
};

const send = async (method, path, body) => {
  const headers = {
    "content-type": "application/json", accept: "application/json", "accept-language": document.documentElement.lang,
  };
  const options = { method, headers, body: body && JSON.stringify(body), cache: "no-store" };
  const answer = await fetch(`/api/prompts${path}`, options).catch(() => new Response(null, { status: 503 }));
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const error = new Error(said.detail ? `${said.detail} ${said.remedy ?? ""}` : words.silent);
  error.reasons = said.reasons ?? [];
  error.about = about(said);
  error.status = answer.status;
  throw error;
};

const joined = (...parts) => new Uint8Array(parts.flatMap((p) => [...p]));
const signed = async (...parts) => base64url(await crypto.subtle.sign(SIGNING, held.pair.privateKey, joined(...parts)));

let held = null; // the key, and as whose it is enrolled
let greeting = null;
let current = null;
let busy = false;
let told = ""; // what became of the last answer
let idle = words.idle; // what is said while nothing waits

const at = () => `/${encodeURIComponent(held.person)}/${encodeURIComponent(held.credential)}`;

const draw = (prompt) => {
  const fresh = prompt?.challenge !== current?.challenge;
  current = prompt ?? null;
  show("prompt", Boolean(prompt));
  show("quiet", !prompt);
  if (prompt) told = "";
  part("quiet").textContent = told || idle;
  if (!prompt || !fresh) return;
  part("what").textContent = prompt.action;
  part("case").textContent = prompt.case;
  part("number").value = "";
  part("number").focus();
};

const ask = async () => {
  if (busy || !held) return;
  busy = true;
  try {
    greeting ??= (await send("GET", "/greeting")).greeting;
    const signature = await signed(utf8.encode(`watchword prompt greeting\n${greeting}`));
    const waiting = await send("POST", `${at()}/waiting`, { greeting, signature });
    greeting = waiting.greeting;
    say("");
    draw(waiting.prompts[0]);
  } catch (error) {
    greeting = null;
    say(error.message);
  } finally {
    busy = false;
  }
};

const answer = async (number) => {
  if (!current) return;
  busy = true;
  const prompt = current;
  try {
    const parts = ["watchword prompt answer\n", unbase64url(prompt.statement), `\n${number}`];
    const signature = await signed(...parts.map((p) => (typeof p === "string" ? utf8.encode(p) : p)));
    await send("POST", `${at()}/answers/${prompt.challenge}`, { answer: JSON.stringify({ number, signature }) });
    told = words.right;
    say("");
  } catch (error) {
    told = error.reasons.includes("not_me") ? words.not_me : error.message;
  } finally {
    busy = false;
    draw(undefined);
  }
};

const enrol = async (offer) => {
  show("enrol", true);
  show("quiet", false);
  part("enrolling").addEventListener("submit", async (event) => {
    event.preventDefault();
    part("make").disabled = true;
    try {
      const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
      const { x, y } = await publicKey(pair);
      held = { pair, ...(await send("POST", "/browsers", { offer, spoken: part("spoken").value, x, y })) };
      await keepKey(KEY, held);
      history.replaceState(null, "", location.pathname + location.search); // the address is used up, and nobody should try it again
      show("enrol", false);
      say("");
      draw(undefined);
      await offerWaking();
    } catch (error) {
      if (error.status === 404) show("enrol", false); // nothing can be done here any more
      say(error.message);
      part("make").disabled = false;
      mark(error.about);
    }
  });
};

// To be woken though this page is closed. Where that is not had, the page asks by itself for as long as it is open.

const WAKER = part("prompts").dataset.waker;
const canWake = () => Boolean(WAKER && held && "serviceWorker" in navigator && "PushManager" in self && "Notification" in self);

const worker = () => navigator.serviceWorker.register("/prompts/worker.js");

const tellWhere = async (where) => {
  const { endpoint, keys: { p256dh, auth } } = where.toJSON();
  const fresh = (await send("GET", "/greeting")).greeting;
  const lines = ["watchword prompt subscription", fresh, endpoint, p256dh, auth];
  const signature = await signed(utf8.encode(lines.join("\n")));
  await send("POST", `${at()}/subscription`, { greeting: fresh, signature, endpoint, p256dh, auth });
};

const woken = () => {
  show("wake", false);
  show("woken", false);
  idle = words.woken;
  if (!current && !told) part("quiet").textContent = idle;
};

const notWoken = (why) => {
  show("wake", false);
  show("woken", true);
  part("woken").textContent = why;
};

const offerWaking = async () => {
  if (!canWake()) return;
  if (Notification.permission === "denied") return notWoken(words.not_woken);
  try {
    const where = await (await worker()).pushManager.getSubscription();
    if (!where || Notification.permission !== "granted") return show("wake", true);
    await tellWhere(where);
    woken();
  } catch {
    show("wake", true);
  }
};

part("wake-me").addEventListener("click", async () => {
  part("wake-me").disabled = true;
  try {
    if (await Notification.requestPermission() !== "granted") return notWoken(words.not_woken);
    await worker();
    const { pushManager } = await navigator.serviceWorker.getRegistration("/prompts/");
    await tellWhere(await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: unbase64url(WAKER) }));
    woken();
  } catch (error) {
    notWoken(error.reasons ? error.message : words.not_woken);
  } finally {
    part("wake-me").disabled = false;
  }
});

part("answer").addEventListener("submit", (event) => {
  event.preventDefault();
  answer(part("number").value.trim());
});
part("not-me").addEventListener("click", () => answer("no"));

// The same page in another language, with what enrols this browser still behind it.
for (const link of document.querySelectorAll(".languages a")) {
  link.addEventListener("click", () => { link.hash = location.hash; });
}

// An address pasted into this very tab changes its fragment alone, which loads nothing by itself.
addEventListener("hashchange", () => location.reload());

held = (await keptKey(KEY)) ?? null;
if (location.hash.length > 1) await enrol(location.hash.slice(1));
else if (held) await Promise.all([ask(), offerWaking()]);
else part("quiet").textContent = words.unknown;
setInterval(ask, EVERY_MS);
