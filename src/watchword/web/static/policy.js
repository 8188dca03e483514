// A policy author signs with their passkey: the console gives the exact statement, their authenticator signs it.

import { assertion } from "/static/assertion.js";

const part = document.getElementById("sign");
const button = document.getElementById("sign-it");
const problem = document.getElementById("sign-problem");

const say = (text) => {
  problem.textContent = text;
  problem.hidden = !text;
};

const call = async (verb, path, body) => {
  const headers = { "content-type": "application/json", accept: "application/json", "x-csrftoken": part.dataset.csrf };
  const answer = await fetch(path, { method: verb, headers, body: body && JSON.stringify(body), cache: "no-store" }).catch(() => new Response(null, { status: 503 }));
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  throw new Error(said.detail ? `${said.detail} ${said.remedy ?? ""}` : "The console did not answer. Wait a moment.");
};

button.disabled = false; // until here a click would have gone unheard
button.addEventListener("click", async () => {
  say("");
  button.disabled = true;
  try {
    const { api, digest } = part.dataset;
    const { statement, options } = await call("GET", `${api}/statement`);
    const body = digest ? { digest } : { statement };
    await call("POST", api, { ...body, assertion: await assertion(options) });
    location.reload();
  } catch (error) {
    say(error.name === "NotAllowedError" ? "Nothing was signed: it was cancelled, or took too long." : error.message);
    button.disabled = false;
  }
});
