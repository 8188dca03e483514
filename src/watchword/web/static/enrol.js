// One credential of the person's own: made by their authenticator, or set up in their app, and kept nowhere here.

import { registration } from "/static/assertion.js";
import { about, mark } from "/static/mistyped.js";

const part = (id) => document.getElementById(id);
const page = part("enrol");
const words = JSON.parse(page.dataset.say);
let app; // what the app is set up with, until its code is known

const post = async (path, body) => {
  const headers = { "content-type": "application/json", accept: "application/json", "accept-language": document.documentElement.lang };
  const answer = await fetch(`${page.dataset.api}/${path}`, { method: "POST", headers, body: JSON.stringify({ spoken: part("spoken").value, ...body }), cache: "no-store" })
    .catch(() => new Response(null, { status: 503 }));
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  if (answer.status === 404) for (const id of ["ways", "lede"]) part(id).hidden = true; // nothing can be done here any more
  throw Object.assign(new Error(said.detail ? `${said.detail} ${said.remedy ?? ""}` : words.silent), { about: about(said) });
};

const problem = (text) => {
  part("problem").textContent = text;
  part("problem").hidden = !text;
  if (text) part("problem").scrollIntoView({ block: "nearest" });
};

const forget = () => {
  app = undefined;
  part("picture").removeAttribute("src");
  part("open").removeAttribute("href");
  part("key").textContent = "";
  part("setup").hidden = true;
};

const done = ({ counts_from: from }) => {
  forget();
  part("ways").hidden = true;
  part("lede").hidden = true;
  document.querySelector(".languages")?.remove(); // another language is another page, and this one is gone
  const day = from && new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long" }).format(new Date(from));
  part("done").textContent = day ? words.later.replace("{day}", day) : words.now;
  part("done").hidden = false;
};

const tried = (button, step) => async (event) => {
  event?.preventDefault();
  problem("");
  if (!part("spoken").reportValidity()) return;
  button.disabled = true;
  try {
    await step();
  } catch (error) {
    problem({ InvalidStateError: words.held, NotAllowedError: words.cancelled }[error.name] ?? error.message);
    mark(error.about);
  }
  button.disabled = false;
};

part("passkey").addEventListener("click", tried(part("passkey"), async () => {
  const { challenge, options } = await post("passkeys");
  done(await post(`passkeys/${encodeURIComponent(challenge)}`, { answer: await registration(options) }));
}));

part("app").addEventListener("click", tried(part("app"), async () => {
  app = await post("apps");
  part("picture").src = app.picture;
  part("open").href = app.address;
  part("key").textContent = app.key.match(/.{1,4}/g).join(" ");
  part("setup").hidden = false;
  part("code").focus();
}));

const confirm = part("confirm").querySelector("button");
part("confirm").addEventListener("submit", tried(confirm, async () => {
  done(await post("apps/code", { challenge: app.challenge, code: part("code").value }));
}));

part("spoken").addEventListener("keydown", (event) => {
  if (event.key === "Enter") part("passkey").click();
});
addEventListener("pagehide", forget);
for (const id of ["passkey", "app"]) part(id).disabled = false; // until here a click would have gone unheard
