// A new set of recovery codes: asked for once, drawn into this page and kept nowhere.

import { about, mark } from "/static/mistyped.js";

const part = (id) => document.getElementById(id);
const page = part("codes") ?? part("caller");
const words = JSON.parse(page.dataset.say);

export const showCodes = (codes) => {
  part("set").replaceChildren(...codes.map((code) => Object.assign(document.createElement("li"), { textContent: code })));
  const day = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long" }).format(new Date());
  part("made").textContent = words.made.replace("{day}", day); // which sheet is the last; whose it is helps only who finds it
  part("saved").hidden = false;
  document.querySelector(".languages")?.remove(); // another language is another page, and the codes would be gone
  part("print").addEventListener("click", () => print());
  part("copy-codes").addEventListener("click", async () => {
    await navigator.clipboard.writeText(codes.join("\n"));
    part("copy-codes").textContent = words.copied;
  });
  addEventListener("pagehide", () => part("set").replaceChildren());
};

if (page.id === "codes") {
  part("before").addEventListener("submit", async (event) => {
    event.preventDefault();
    part("show").disabled = true;
    part("problem").hidden = true;
    try {
      const headers = { "content-type": "application/json", accept: "application/json", "accept-language": document.documentElement.lang };
      const body = JSON.stringify({ spoken: part("spoken").value });
      const answer = await fetch(page.dataset.api, { method: "POST", headers, body, cache: "no-store" }).catch(() => new Response(null, { status: 503 }));
      const said = await answer.json().catch(() => ({}));
      part("before").hidden = answer.status === 404; // nothing can be done here any more
      if (!answer.ok) throw Object.assign(new Error(said.detail ? `${said.detail} ${said.remedy ?? ""}` : words.silent), { about: about(said) });
      part("before").hidden = true;
      showCodes(said.codes);
    } catch (error) {
      part("problem").textContent = error.message;
      part("problem").hidden = false;
      part("show").disabled = false;
      mark(error.about);
    }
  });
  part("show").disabled = false; // until here a click would have gone unheard
}
