// A code that was typed wrong is marked, and selected to be typed over; the mark goes with the first stroke.

const FIELDS = { wrong_page_code: "spoken", spoken: "spoken", wrong_app_code: "code", code: "code" };

// What a problem is about: its reasons, and the fields it names.
export const about = ({ reasons = [], where = [] }) => [...reasons, ...where];

export const mark = (names = []) => {
  for (const name of names) {
    const field = document.getElementById(FIELDS[name]);
    if (!field) continue;
    field.setAttribute("aria-invalid", "true");
    field.focus({ preventScroll: true }); // what is said of it stays in sight, whatever a browser does when it selects
    field.select();
    field.addEventListener("input", () => field.removeAttribute("aria-invalid"), { once: true });
  }
};
