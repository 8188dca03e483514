// Addresses of pages that are one person's: made here, opened by them.

const offer = async (part) => {
  const headers = { "content-type": "application/json", accept: "application/json", "x-csrftoken": part.dataset.csrf };
  const answer = await fetch(part.dataset.ownPage, { method: "POST", headers, cache: "no-store" }).catch(() => new Response(null, { status: 503 }));
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  throw new Error(said.detail ? `${said.detail} ${said.remedy ?? ""}` : "The console did not answer. Wait a moment.");
};

for (const part of document.querySelectorAll("[data-own-page]")) {
  const button = part.querySelector("button.make");
  const problem = part.querySelector(".problem");
  button.addEventListener("click", async () => {
    problem.hidden = true;
    button.disabled = true;
    try {
      const { address, code } = await offer(part);
      part.querySelector("output").textContent = address;
      part.querySelector("[data-copy]").dataset.copy = address;
      part.querySelector(".kept").hidden = false;
      part.querySelector(".told output").textContent = `${code.slice(0, 3)} ${code.slice(3)}`;
      part.querySelector(".told").hidden = false;
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
    button.disabled = false;
  });
  button.disabled = false; // until here a click would have gone unheard
}
