// The self-service page: it says the same for every name until something was proved, and then goes on by itself.

import { assertion } from "/static/assertion.js";

const EVERY_MS = 1500;
const PATIENCE = 6; // looks after an answer before it is taken for a wrong one

const page = document.getElementById("recover");
const { api } = page.dataset;
const words = JSON.parse(page.dataset.say);
const part = (id) => document.getElementById(id);
const show = (id, yes) => { part(id).hidden = !yes; };

const say = (text) => {
  part("problem").textContent = text;
  show("problem", Boolean(text));
};

const send = async (method, path, body) => {
  const headers = {
    "content-type": "application/json", accept: "application/json", "accept-language": document.documentElement.lang,
  };
  const answer = await fetch(api + path, { method, headers, body: body && JSON.stringify(body), cache: "no-store" }).catch(() => new Response(null, { status: 503 }));
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  throw new Error(said.detail ? `${said.detail} ${said.remedy ?? ""}` : words.silent);
};

const step = (doing) => async (event) => {
  event.preventDefault();
  say("");
  try {
    await doing();
  } catch (error) {
    say({ NotAllowedError: words.cancelled, AbortError: words.cancelled }[error.name] ?? error.message);
  }
};

if (part("who")) {
  part("who").addEventListener("submit", step(async () => {
    const asked = { account: part("account").value, lost: part("lost").value };
    location.assign((await send("POST", "", asked)).page + location.search);
  }));
  show("who", true); // not before it can be sent from here
} else {
  const ways = [...part("method").options]; // each look leaves those that still bring it on
  let current = null;
  let proved = 0;
  let looks = 0; // how often to look again for what an answer came to

  const asks = (yes) => {
    show("challenge", yes);
    part("begin").className = yes ? "quiet" : "main"; // one button at a time is the one to press
  };

  const draw = (told) => {
    if (told.page) {
      looks = 0;
      location.assign(told.page + location.search); // in the language that was chosen here
      return;
    }
    if (told.proved.length > proved) {
      proved = told.proved.length;
      looks = 0;
      say("");
      asks(false);
      show("choose", told.more);
      part("method").replaceChildren(...ways.filter((way) => told.ways.includes(way.value)));
      part("told").textContent = told.more ? words.more : words.proved;
      const [before, after] = words.desk.split("{case}");
      part("desk").replaceChildren(before, Object.assign(document.createElement("b"), { textContent: told.case }), after);
      show("desk", true);
    }
  };

  const look = async () => {
    if (!looks) return;
    looks -= 1;
    draw(await send("GET", ""));
    if (!looks && !part("challenge").hidden) {
      part("told").textContent = words.choose;
      part("code").setAttribute("aria-invalid", "true");
      part("code").select(); // to be typed over
      say(words.not_proved);
    }
  };

  part("choose").addEventListener("submit", step(async () => {
    current = await send("POST", "/ways", { method: part("method").value });
    part("title").textContent = current.title;
    part("say").textContent = current.say;
    const typed = current.kind !== "passkey";
    show("typed", typed);
    part("code").required = typed;
    part("code").value = "";
    part("code").inputMode = current.kind === "saved" ? "text" : "numeric";
    part("code").removeAttribute("aria-invalid");
    asks(true);
    if (typed) part("code").focus();
  }));

  part("answer").addEventListener("submit", step(async () => {
    const answer = current.kind === "passkey" ? await assertion(current.options) : part("code").value;
    await send("POST", "/answers", { method: current.method, answer });
    part("code").removeAttribute("aria-invalid");
    part("told").textContent = words.checking;
    looks = PATIENCE;
  }));

  show("choose", true); // not before it can be sent from here
  setInterval(() => look().catch((error) => say(error.message)), EVERY_MS);
  draw(await send("GET", ""));
}
