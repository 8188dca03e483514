// A new set of recovery codes: asked for once, drawn into this page and kept nowhere.

const part = (id) => document.getElementById(id);

export const showCodes = (codes) => {
  part("set").replaceChildren(...codes.map((code) => Object.assign(document.createElement("li"), { textContent: code })));
  part("saved").hidden = false;
  part("print").addEventListener("click", () => print());
  part("copy-codes").addEventListener("click", async () => {
    await navigator.clipboard.writeText(codes.join("\n"));
    part("copy-codes").textContent = "Copied";
  });
  addEventListener("pagehide", () => part("set").replaceChildren());
};

const page = part("codes");

if (page?.dataset.api) {
  part("show").addEventListener("click", async () => {
    part("show").disabled = true;
    part("problem").hidden = true;
    try {
      const headers = { accept: "application/json" };
      const answer = await fetch(page.dataset.api, { method: "POST", headers, cache: "no-store" });
      const said = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Error(said.detail ? `${said.detail} ${said.remedy ?? ""}` : "The desk did not answer. Wait a moment.");
      part("before").hidden = true;
      showCodes(said.codes);
    } catch (error) {
      part("problem").textContent = error.message;
      part("problem").hidden = false;
      part("show").disabled = false;
    }
  });
}
