// A passkey for the person of this page: the console offers, their authenticator makes it, the console enrols it.

import { registration } from "/static/assertion.js";

const part = document.getElementById("passkey");
const button = document.getElementById("make-passkey");
const problem = document.getElementById("passkey-problem");

const say = (text) => {
  problem.textContent = text;
  problem.hidden = !text;
};

const post = async (path, body) => {
  const headers = { "content-type": "application/json", accept: "application/json", "x-csrftoken": part.dataset.csrf };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), cache: "no-store" }).catch(() => new Response(null, { status: 503 }));
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  throw new Error(said.detail ? `${said.detail} ${said.remedy ?? ""}` : "The console did not answer. Wait a moment.");
};

const words = (error) => ({
  InvalidStateError: "This authenticator holds a passkey of theirs already.",
  NotAllowedError: "Nothing was made: it was cancelled, or took too long.",
}[error.name] ?? error.message);

button.addEventListener("click", async () => {
  say("");
  button.disabled = true;
  try {
    const { challenge, options } = await post(part.dataset.api);
    await post(`${part.dataset.api}/${encodeURIComponent(challenge)}`, { answer: await registration(options) });
    location.reload();
  } catch (error) {
    say(words(error));
    button.disabled = false;
  }
});
button.disabled = false; // until here a click would have gone unheard
