// Somebody vouches for a colleague: a signature by their own passkey says yes, and a no needs none.

import { assertion } from "/static/assertion.js";

const post = async ({ api, csrf }, answer) => {
  const headers = { "content-type": "application/json", accept: "application/json", "x-csrftoken": csrf };
  const said = await fetch(api, { method: "POST", headers, body: JSON.stringify({ answer }), cache: "no-store" }).catch(() => new Response(null, { status: 503 }));
  if (said.ok) return;
  const fault = await said.json().catch(() => ({}));
  if (answer === "no" && said.status === 403) return; // a no is kept as what it is: the method failed
  throw new Error(fault.detail ? `${fault.detail} ${fault.remedy ?? ""}` : "The console did not answer. Wait a moment.");
};

for (const part of document.querySelectorAll(".vouch")) {
  const buttons = part.querySelectorAll("button"), problem = part.querySelector(".problem");
  const say = (doing) => async () => {
    buttons.forEach((button) => { button.disabled = true; });
    problem.hidden = true;
    try {
      await post(part.dataset, await doing());
      location.reload();
    } catch (error) {
      problem.textContent = error.name === "NotAllowedError" ? "Nothing was signed: it was cancelled, or took too long." : error.message;
      problem.hidden = false;
      buttons.forEach((button) => { button.disabled = false; });
    }
  };
  part.querySelector(".yes").addEventListener("click", say(() => assertion(part.dataset.options)));
  part.querySelector(".no").addEventListener("click", say(() => "no"));
  buttons.forEach((button) => { button.disabled = false; }); // until here a click would have gone unheard
}
