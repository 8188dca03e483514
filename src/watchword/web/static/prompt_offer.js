// An address that enrols a person's own browser for prompts: made here, opened there.

const part = document.getElementById("prompt-offer");
const button = document.getElementById("offer-prompts");
const problem = document.getElementById("prompt-problem");

button.addEventListener("click", async () => {
  problem.hidden = true;
  button.disabled = true;
  try {
    const headers = { "content-type": "application/json", accept: "application/json", "x-csrftoken": part.dataset.csrf };
    const answer = await fetch(part.dataset.api, { method: "POST", headers, cache: "no-store" }).catch(() => new Response(null, { status: 503 }));
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.detail ? `${said.detail} ${said.remedy ?? ""}` : "The console did not answer.");
    document.getElementById("prompt-address").textContent = said.address;
    document.getElementById("prompt-address-row").hidden = false;
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
  button.disabled = false;
});
button.disabled = false; // until here a click would have gone unheard
