// A link to somebody's own page of recovery codes: made here, opened by them.

const part = document.getElementById("codes-link");
const button = document.getElementById("make-codes-link");
const say = (id, text) => {
  document.getElementById(id).textContent = text;
  document.getElementById(id).hidden = !text;
};

button.addEventListener("click", async () => {
  button.disabled = true;
  say("codes-problem", "");
  const headers = { accept: "application/json", "x-csrftoken": part.dataset.csrf };
  const answer = await fetch(part.dataset.api, { method: "POST", headers, cache: "no-store" }).catch(() => null);
  const said = await answer?.json().catch(() => ({})) ?? {};
  if (answer?.ok) say("codes-address", said.address);
  else say("codes-problem", said.detail ? `${said.detail} ${said.remedy ?? ""}` : "The console did not answer. Wait a moment.");
  button.disabled = false;
});
button.disabled = false; // until here a click would have gone unheard
