// Counts clocks down between two answers of the server. Time is the server's: each clock carries the "now" it was made at.

const words = (seconds) => {
  const s = Math.floor(Math.abs(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
  const hours = Math.floor(s / 3600), minutes = Math.floor(s / 60) % 60;
  if (hours < 24) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${Math.floor(hours / 24)} d`;
};

const seen = new WeakMap();

const tick = () => {
  for (const clock of document.querySelectorAll("[data-until]")) {
    if (!seen.has(clock)) seen.set(clock, performance.now());
    const now = Date.parse(clock.dataset.now) + performance.now() - seen.get(clock);
    const left = (Date.parse(clock.dataset.until) - now) / 1000;
    clock.textContent = left > 0 ? `in ${words(left)}` : `${words(left)} ago`;
    clock.classList.toggle("over", left <= 0);
  }
};

setInterval(tick, 1000);
tick();

// A page that draws itself anew must take nothing from whoever works on it: what they typed, unfolded and stand on
// is theirs. What the server put into a field, such as the digest that is approved, is always the server's.

const kept = (field) => field.name && !["hidden", "password"].includes(field.type);
const wordsOf = (element) => element.textContent.trim();
const keyOf = (element) => {
  const form = element.closest("form"), about = form?.querySelector("[type=hidden]:is([name=method], [name=question])");
  const part = element.closest(".tile, section")?.querySelector("h2, h3");
  const own = element.name || element.id || element.getAttribute("href") || wordsOf(element);
  return JSON.stringify([element.tagName, form?.getAttribute("action"), about?.value, part && wordsOf(part), own]);
};
const fieldsOf = (part) => [...part.querySelectorAll("input, select, textarea")].filter(kept);
const chosen = (field) => [...(field.options ?? [])].find((option) => option.defaultSelected)?.value ?? field.options?.[0]?.value;
const changed = (field) => field.value !== (field.options ? chosen(field) : field.defaultValue);

const handsOn = (part) => {
  const stood = part.contains(document.activeElement) ? document.activeElement : null;
  return {
    typed: new Map(fieldsOf(part).filter(changed).map((field) => [keyOf(field), field.value])),
    unfolded: new Set([...part.querySelectorAll("details[open] > summary")].map(keyOf)),
    stood: stood && keyOf(stood),
    caret: stood && "selectionStart" in stood ? [stood.selectionStart, stood.selectionEnd] : null,
  };
};

const handBack = (part, { typed, unfolded, stood, caret }) => {
  for (const summary of part.querySelectorAll("summary")) if (unfolded.has(keyOf(summary))) summary.parentElement.open = true;
  for (const field of fieldsOf(part)) if (typed.has(keyOf(field))) field.value = typed.get(keyOf(field));
  const again = stood && [...part.querySelectorAll("a, button, summary, input, select, textarea")].find((one) => keyOf(one) === stood);
  if (!again) return;
  again.focus({ preventScroll: true });
  if (caret && caret[0] !== null) again.setSelectionRange(...caret);
};

let held = null;
let told = document.querySelector("#case .next")?.textContent;

document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.shouldSwap && ["case", "list"].includes(detail.target.id)) held = handsOn(detail.target);
});

document.body.addEventListener("htmx:load", ({ detail: { elt } }) => {
  if (!held || !["case", "list"].includes(elt.id)) return;
  handBack(elt, held);
  held = null;
  tick();
  const next = elt.querySelector(".next");
  if (!next || next.textContent === told) return;
  told = next.textContent;
  document.getElementById("said").textContent = [...next.querySelectorAll("b, span")].map(wordsOf).join(": "); // for those who do not see it change
});

// A list that nobody looks at still counts in its title what waits, but asks once a minute.
let asked = 0;
document.body.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.id !== "list") return;
  if (document.hidden && performance.now() - asked < 60_000) event.preventDefault();
  else asked = performance.now();
});

// A page that can not ask any more must not look as if it knew.

const stale = (which) => {
  for (const id of ["silent", "over"]) document.getElementById(id).hidden = id !== which;
};
for (const event of ["htmx:sendError", "htmx:timeout"]) document.body.addEventListener(event, () => stale("silent"));
document.body.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.xhr.status) stale({ 401: "over" }[detail.xhr.status] ?? (detail.xhr.status >= 500 ? "silent" : ""));
});

// A step is taken once: its button waits for the answer. Coming back to the page, it is there again.

const waitsWith = (button, yes) => {
  button.disabled = yes;
  button.setAttribute("aria-busy", String(yes));
};
document.addEventListener("submit", ({ target, submitter }) => {
  if (target.method === "post" && submitter) setTimeout(() => waitsWith(submitter, true)); // after its form was read
});
addEventListener("pageshow", () => document.querySelectorAll("button[aria-busy=true]").forEach((one) => waitsWith(one, false)));

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("button[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button[data-add]");
  if (!button) return;
  const field = document.getElementById(button.dataset.add), one = wordsOf(button);
  const named = field.value.split(",").map((name) => name.trim()).filter(Boolean);
  field.value = (named.includes(one) ? named.filter((name) => name !== one) : [...named, one]).join(", ");
});

// The answer to a refused step stands at an address that only takes steps: reloading asks for the page instead.
const address = document.querySelector("[data-address]")?.dataset.address;
if (address && address !== location.pathname) history.replaceState(null, "", address);

// The ledger's time is UTC; who sits elsewhere sees how far that is from the clock on their wall.
const here = document.getElementById("here");
if (here && new Date(here.dataset.at).getTimezoneOffset()) {
  const wall = new Date(here.dataset.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
  here.textContent = `· ${wall} where you are`;
}

// A login that was typed for nothing stands there again, in this tab alone and until the next page.
const entry = document.querySelector('form[action="/session"]');
const typed = sessionStorage.getItem("login");
sessionStorage.removeItem("login");
if (entry) {
  const { login, password } = entry.elements;
  if (typed && document.querySelector(".door .problem")) {
    login.value ||= typed;
    password.focus();
  }
  entry.addEventListener("submit", () => sessionStorage.setItem("login", login.value));
}
