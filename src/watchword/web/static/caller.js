// The locked-out person's page: it asks what waits every two seconds, and does one thing at a time.

import { assertion } from "/static/assertion.js";
import { showCodes } from "/static/codes.js";
import { forgetKey, keptKey, makeKey, openEnvelope, publicKey } from "/static/envelope.js";

const SHOWN_S = 60;
const EVERY_MS = 2000;

const page = document.getElementById("caller");
const { title } = document;
const { case: name, api, making } = page.dataset;
const words = JSON.parse(page.dataset.say);
const filled = (text, n) => text.replace("{n}", n);
const part = (id) => document.getElementById(id);
const show = (id, yes) => { part(id).hidden = !yes; };

let busy = 0; // while steps run or wait their turn, what the server says is not drawn over them
let turn = Promise.resolve();
let shown = false; // once the credential was shown there is nothing more to ask

let unanswered = false; // the problem that is shown is that nobody answered: it goes once somebody does

const say = (text, silence = false) => {
  unanswered = silence;
  if (part("problem").textContent !== text) part("problem").textContent = text; // said once, however often it is drawn
  show("problem", Boolean(text));
};

const send = async (method, path, body, root = api) => {
  const headers = {
    "content-type": "application/json", accept: "application/json", "accept-language": document.documentElement.lang,
  };
  const answer = await fetch(root + path, { method, headers, body: body && JSON.stringify(body), cache: "no-store" })
    .catch(() => { throw Object.assign(new Error(words.silent), { name: "Silence" }); }); // a browser says it in its own words
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  throw new Error(said.detail ? `${said.detail} ${said.remedy ?? ""}` : words.silent);
};

// --- is it the desk -------------------------------------------------------------------------------------------------

// Kept for this tab alone: another browser that heard the word says nothing about who speaks to this one.
const heardKey = `countersign/${name}`;
const chosenKey = `language/${name}`;

const drawCheck = (offered, heard) => {
  const second = heard ? sessionStorage.getItem(heardKey) : null; // the server takes nothing from a browser that has not heard it
  const asking = offered.length > 0 && !second;
  show("check", asking);
  show("countersign", Boolean(second) && offered.length > 0);
  part("second").textContent = second ?? "";
  if (asking && !part("heard").childElementCount) {
    part("heard").append(...offered.map((word) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: word });
      button.addEventListener("click", step(async () => {
        sessionStorage.setItem(heardKey, (await send("POST", "/check", { word })).word);
        return send("GET", "");
      }));
      return button;
    }));
  }
  return asking;
};

// --- challenges ------------------------------------------------------------------------------------------------------

let current = null;
let right = false; // what was answered last was right, and nothing else was asked since

const drawChallenge = (waiting) => {
  const fresh = waiting?.challenge !== current?.challenge;
  current = waiting ?? null;
  show("challenge", Boolean(waiting));
  if (waiting && fresh) right = false;
  document.title = waiting ? `● ${title}` : title; // seen from another tab as well
  if (!waiting) return;
  part("title").textContent = waiting.title;
  part("say").textContent = waiting.say;
  part("tries").textContent = waiting.tries_left === 1 ? words.one_try : filled(words.tries, waiting.tries_left);
  const typed = ["code", "saved"].includes(waiting.kind), saved = waiting.kind === "saved"; // a saved code has letters, and is long
  show("answer", !["elsewhere", "token"].includes(waiting.kind));
  show("typed", typed);
  part("code").required = typed;
  part("code").maxLength = saved ? 40 : 12;
  part("code").classList.toggle("long", saved);
  part("code").inputMode = saved ? "text" : "numeric";
  part("code").autocomplete = saved ? "off" : "one-time-code";
  if (fresh) {
    part("code").value = "";
    part("code").removeAttribute("aria-invalid");
  }
  if (fresh && typed) part("code").focus();
};

// --- a new contact point ---------------------------------------------------------------------------------------------

let changing = false; // the person wants to enter another one

const drawContact = ({ step, mine, value }) => {
  if (step !== "entered") changing = false;
  const entering = step === "enter" || changing;
  show("contact", step === "enter" || mine);
  show("enter", entering);
  show("keep", changing);
  show("entered", mine && !entering);
  show("change", step === "entered");
  show("again", step === "entered");
  part("whole").textContent = value ?? "";
  if (step !== "enter" && !mine) {
    say(words.other_contact);
  }
  return entering;
};

// --- the hand-over ---------------------------------------------------------------------------------------------------

const walkTo = (id) => {
  for (const item of document.querySelectorAll("#walk > li")) {
    const passed = item.compareDocumentPosition(part(id)) & Node.DOCUMENT_POSITION_FOLLOWING;
    item.className = item.id === id ? "now" : passed ? "done" : "";
  }
};

const mine = async (jwk) => {
  const pair = jwk && await keptKey(name);
  if (!pair) return null;
  const ours = await publicKey(pair), theirs = JSON.parse(jwk);
  return ours.x === theirs.x && ours.y === theirs.y ? pair : null;
};

// Whether it is another browser's, so that there is nothing to do here and nothing to wait for.
const drawHandOver = async ({ step, jwk, reproved, code, methods }, waiting) => {
  const walking = ["key", "working", "ready"].includes(step);
  show("walk", walking);
  if (!walking) return false;
  show("make", step === "key");
  const pair = await mine(jwk);
  if (step !== "key" && !pair) {
    for (const id of ["walk", "challenge"]) show(id, false);
    say(words.other_browser);
    return true;
  }
  walkTo(step === "key" ? "step-key" : reproved ? "step-open" : "step-prove");
  show("begin", step !== "key" && !reproved && !waiting);
  if (!part("method").options.length) part("method").append(...methods.map(([value, title]) => new Option(title, value)));
  show("spoken", Boolean(code) && step !== "key" && reproved);
  show("take", step === "ready" && reproved && !code);
  part("waiting").textContent = step === "working" && reproved ? making : words.once;
  return false;
};

const reveal = (credential) => {
  shown = true;
  for (const id of ["waiting", "take", "challenge", "begin", "quiet"]) show(id, false);
  part("credential").textContent = credential;
  show("opened", true);
  let left = SHOWN_S;
  const clear = () => {
    clearInterval(clock);
    part("credential").textContent = "";
    show("opened", false);
    part("waiting").textContent = words.gone;
    show("waiting", true);
  };
  const tell = () => { part("left").textContent = filled(words.left, left); };
  const clock = setInterval(() => (--left > 0 ? tell() : clear()), 1000);
  tell();
  addEventListener("pagehide", clear);
  part("copy").addEventListener("click", step(async () => {
    await navigator.clipboard.writeText(credential);
    part("copy").textContent = words.copied;
  }));
};

// --- one thing at a time ---------------------------------------------------------------------------------------------

const drawCodes = (told) => show("renew", told.codes && part("saved").hidden);

const draw = async (told) => {
  drawCodes(told);
  part("care-until").textContent = told.confirm;
  show("care", told.confirm !== "");
  part("stopped-until").textContent = told.stopped;
  show("stopped", told.stopped !== "");
  if (shown) return;
  const still = told.paused || told.ended;
  show("not-me", !still);
  const asking = drawCheck(still ? [] : told.check ?? [], told.heard);
  if (told.paused || asking) {
    for (const id of ["challenge", "walk", "contact"]) if (part(id)) show(id, false);
    part("quiet").textContent = words.paused;
    show("quiet", told.paused);
    return;
  }
  const entering = told.contact ? drawContact(told.contact) : false;
  const waiting = entering ? undefined : told.waiting[0];
  drawChallenge(waiting);
  const elsewhere = await drawHandOver(told.hand_over, waiting);
  const over = told.done || told.ended || "over" === (told.contact ?? told.hand_over).step;
  part("quiet").textContent = told.done ? words.done : over ? words.over : told.contact?.step === "fixed" ? words.fixed : right ? words.right : words.waiting;
  const mine = !told.contact || told.contact.mine;
  show("quiet", over || (mine && !elsewhere && !entering && !waiting && part("walk").hidden));
};

const step = (doing) => (event) => {
  event.preventDefault();
  busy += 1;
  turn = turn.then(async () => {
    say("");
    try {
      const told = await doing();
      if (told) await draw(told);
    } catch (error) {
      say({ NotAllowedError: words.cancelled, AbortError: words.cancelled, Envelope: words.envelope }[error.name] ?? error.message);
    } finally {
      busy -= 1;
    }
  });
};

part("answer").addEventListener("submit", step(async () => {
  if (current.kind === "device") return send("POST", `/devices/${current.challenge}`);
  if (current.kind === "provider") {
    const sent = await send("POST", "", undefined, api.replace("/api/caller/", "/api/proofing/") + `/${current.challenge}`);
    sessionStorage.setItem(chosenKey, location.search);
    location.assign(sent.address);
    return null;
  }
  const answer = current.kind === "passkey" ? await assertion(current.options) : part("code").value;
  part("code").removeAttribute("aria-invalid");
  const told = await send("POST", `/answers/${current.challenge}`, { answer }).catch(async (error) => {
    if (error.name !== "Silence") {
      await draw(await send("GET", "")); // how many tries are left, or that it is over
      part("code").setAttribute("aria-invalid", "true");
    }
    part("code").select(); // to be typed over
    throw error;
  });
  right = !told.waiting.some(({ challenge }) => challenge === current.challenge);
  return told;
}));

if (part("contact")) {
  part("enter").addEventListener("submit", step(async () => {
    const told = await send("POST", "/contact", { value: part("value").value }).catch((error) => {
      part("value").setAttribute("aria-invalid", "true");
      part("value").focus();
      throw error;
    });
    part("value").removeAttribute("aria-invalid");
    changing = false;
    return told;
  }));

  part("change").addEventListener("click", step(async () => {
    const told = await send("GET", "");
    changing = told.contact.step === "entered" && told.contact.mine;
    await draw(told);
    part("value").value = told.contact.value ?? "";
    part("value").focus();
  }));

  part("keep").addEventListener("click", step(() => {
    part("value").removeAttribute("aria-invalid");
    changing = false;
    return send("GET", "");
  }));
}

part("confirm").addEventListener("click", step(() => send("POST", "/confirmation")));
part("confirm").disabled = false;
part("object").addEventListener("click", step(() => send("POST", "/not-me")));
part("object").disabled = false; // until here a click would have gone unheard
part("none").addEventListener("click", step(() => send("POST", "/not-me")));

part("make").addEventListener("click", step(async () => {
  const pair = await makeKey(name);
  return send("POST", "/hand-over", { jwk: await publicKey(pair) });
}));

part("begin").addEventListener("submit", step(() => send("POST", "/hand-over/methods", { method: part("method").value })));

part("spoken").addEventListener("submit", step(() => send("POST", "/hand-over/code", { code: part("told").value })));

part("take").addEventListener("click", step(async () => {
  const pair = await keptKey(name);
  const { envelopes } = await send("POST", "/hand-over/take");
  reveal(await openEnvelope(envelopes[0], pair.privateKey));
  await forgetKey(name);
  drawCodes(await send("GET", ""));
}));

part("make-codes").addEventListener("click", step(async () => {
  const { codes } = await send("POST", "/recovery-codes");
  show("renew", false);
  showCodes(codes);
}));

const ask = async () => {
  if (busy || shown) return;
  try {
    const told = await send("GET", "");
    if (unanswered) say("");
    if (!busy) await draw(told);
  } catch (error) {
    say(error.message, error.name === "Silence");
  }
};

// Back from a provider, which keeps no language that was chosen here.
const chosen = sessionStorage.getItem(chosenKey);
sessionStorage.removeItem(chosenKey);
if (chosen && !location.search) {
  location.replace(location.pathname + chosen + location.hash);
  await new Promise(() => {}); // the page is on its way out, and answers nothing
}

// Its code stands behind the fragment, for this page alone, and is answered with once.
const returned = /^#proofing=([^.]+)\.(.*)$/.exec(location.hash);
if (returned) {
  history.replaceState(null, "", location.pathname + location.search);
  try {
    await draw(await send("POST", `/answers/${returned[1]}`, { answer: decodeURIComponent(returned[2]) }));
  } catch (error) {
    say(error.message);
  }
}

setInterval(ask, EVERY_MS);
if (!returned) await ask();
