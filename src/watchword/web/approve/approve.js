// The approver's page. What it says of a request it reads from the very bytes that are signed; it hashes them itself,
// and makes the challenge itself. What only the desk can say (names behind pseudonyms) is marked as the desk's word.

const main = document.getElementById("main");
const desk = document.body.dataset.desk;
const utf8 = new TextEncoder();

// ---- bytes

const hex = (bytes) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
const base64url = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const unbase64url = (text) => Uint8Array.from(
  atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0),
);
const digest = async (name, bytes) => new Uint8Array(await crypto.subtle.digest(name, bytes));
const join = (...parts) => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};
const counted = (bytes) => {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return join(length, bytes);
};

// OpenSSH's PROTOCOL.sshsig: what a signature over the request signs, and so the challenge of the passkey.
const signedData = async (namespace, bytes) => join(
  utf8.encode("SSHSIG"), counted(utf8.encode(namespace)), counted(new Uint8Array()), counted(utf8.encode("sha512")),
  counted(await digest("SHA-512", bytes)),
);

// Proquints (arXiv:0901.4016), as the console and the notices say them.
const CONSONANTS = "bdfghjklmnprstvz";
const VOWELS = "aiou";
const spoken = (bytes) => [0, 1, 2, 3].map((i) => {
  const bits = (bytes[2 * i] << 8) | bytes[2 * i + 1];
  return CONSONANTS[(bits >> 12) & 15] + VOWELS[(bits >> 10) & 3] + CONSONANTS[(bits >> 6) & 15]
    + VOWELS[(bits >> 4) & 3] + CONSONANTS[bits & 15];
}).join(" ");

const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((k) => `${JSON.stringify(k)}:${canonical(value[k])}`).join(",")}}`;
};

// ---- words

class Unfit extends Error {}

const plain = (word) => word.replaceAll("_", " ");
const span = (seconds) => {
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  const hours = Math.floor(seconds / 3600);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
};
const CONTACTS = { mail: "mail address", phone: "phone number" };
const CHANGES = {
  reset_password: (c) => `Set a new password${c.must_change ? ", to be changed at sign-in" : ""}`,
  unlock: () => "Unlock the account",
  reset_factors: (c) => (c.factors.length ? `Remove the factors ${c.factors.join(", ")}` : "Remove every factor"),
  set_contact: (c) => `Replace the ${CONTACTS[c.contact] ?? c.contact} of record (commitment ${c.commitment.slice(0, 12)}…)`,
  issue_pass: (c) => `Issue a temporary pass for ${span(c.lifetime_s)}`,
  reissue_secret: (c) => `Issue a new secret; the old one ends within ${span(c.overlap_s)}`,
  grant_override: (c) => `Lend the role ${c.role} for ${span(c.lifetime_s)}`,
  revoke_sessions: () => "End every session",
  suspend: () => "Disable the account",
  suspend_factors: (c) => (c.factors.length ? `Suspend the factors ${c.factors.join(", ")}` : "Suspend every factor"),
};
const change = (one, account) => {
  if (!(one.kind in CHANGES)) throw new Unfit(`this page does not know the change “${one.kind}”`);
  if (one.account !== account) throw new Unfit("a change is to another account than the request names");
  return CHANGES[one.kind](one);
};
const clock = (text) => `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`;

const node = (name, text, className) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
};
const fact = (list, label, value, note, tone) => {
  const told = node("dd", value, tone);
  if (note) told.append(node("small", note));
  list.append(node("dt", label), told);
};
const show = (...parts) => main.replaceChildren(...parts.filter(Boolean));
const stop = (title, why, way) => show(node("h1", title), node("p", why, "problem"), way && node("p", way));

// ---- the desk

let pass = "";
const call = async (body) => {
  const headers = { accept: "application/json", authorization: `Bearer ${pass}` };
  if (body) headers["content-type"] = "application/json";
  const answer = await fetch(`${desk}/api/approver`, {
    method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body),
    cache: "no-store", credentials: "omit", mode: "cors", redirect: "error", referrerPolicy: "no-referrer",
  });
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const error = new Error(said.detail ? `${said.detail} ${said.remedy ?? ""}` : "The desk did not answer. Wait a moment.");
  error.status = answer.status;
  error.about = [...(said.reasons ?? []), ...(said.where ?? [])];
  throw error;
};
const fault = (error) => ({
  NotAllowedError: "Nothing was signed: it was cancelled, or took too long.",
  InvalidStateError: "This authenticator holds a key of yours for this page already.",
  TypeError: "The desk can not be reached from this page.",
}[error.name] ?? error.message);

// ---- what is asked, from the bytes

const read = async (asked) => {
  const bytes = utf8.encode(asked.request);
  const request = JSON.parse(asked.request);
  if (canonical(request) !== asked.request) throw new Unfit("its bytes are not in their one spelling");
  if (request.decision !== "approve" || request.v !== 1 || request.uses !== 1) {
    throw new Unfit("it is of a form this page does not know");
  }
  if (asked.namespace !== `reset-approval@${request.log}`) throw new Unfit("it is for another ledger");
  if (request.account !== asked.account.id) throw new Unfit("it is about another account than the desk names");
  const entries = {};
  for (const one of asked.entries) {
    const leaf = hex(await digest("SHA-256", join(new Uint8Array([0]), utf8.encode(one.text))));
    if (leaf !== one.leaf) throw new Unfit("an entry it cites is not what the desk shows");
    entries[leaf] = JSON.parse(one.text);
  }
  const cited = (leaf, type) => {
    const entry = entries[leaf];
    if (!entry || entry.type !== type || entry.stream !== `case/${request.case}`) {
      throw new Unfit("an entry it cites is missing, or is of another case");
    }
    return entry;
  };
  return {
    bytes,
    request,
    changes: request.changes.map((one) => change(one, request.account)),
    ticket: request.ticket && cited(request.ticket, "ticket.linked"),
    proofs: request.evidence.map((leaf) => cited(leaf, "method.proved")),
    sha256: await digest("SHA-256", bytes),
    sha512: await digest("SHA-512", bytes),
    challenge: await signedData(asked.namespace, bytes),
  };
};

const told = (asked, held) => {
  const { request } = held;
  const people = Object.fromEntries(asked.people.map((p) => [p.id, p]));
  const named = (id) => (people[id] ? `${people[id].name} (${people[id].login})` : id);
  const list = node("dl");
  const came = request.context;
  fact(list, "Account", `${asked.account.login}, ${asked.account.name}`,
    `as its directory names it, says the desk; in the request it is ${request.account}`);
  fact(list, "Class", plain(request.account_class));
  fact(list, "For", plain(request.action));
  const ordinary = came.risk === "low" && came.situation === "normal" && !came.elevated_threat;
  fact(list, "Came in", `by ${plain(came.channel)}, from ${came.location === "unknown" ? "an unknown place" : plain(came.location)}, on `
    + `${came.device === "unknown" ? "an unknown" : `a ${plain(came.device)}`} device, `
    + `${came.risk} risk, ${plain(came.situation)}${came.elevated_threat ? ", under elevated threat" : ""}`,
    "", ordinary ? "" : "warn");
  if (!held.proofs.length) fact(list, "Verified", "nobody was verified: the glass was broken", "", "warn");
  for (const proof of held.proofs) {
    fact(list, "Verified", plain(proof.data.method),
      `${clock(proof.at)}, at the desk of ${named(proof.data.by)}`
      + `${proof.data.prover ? `, by ${named(proof.data.prover)}` : ""}; the names are the desk's word`);
  }
  if (asked.contact) fact(list, "New contact", asked.contact, "masked; the desk's word");
  for (const why of asked.raised) fact(list, "Raised", plain(why), "the desk's word", "warn");
  for (const who of asked.agreed) fact(list, "Agreed already", who, "the desk's word");
  for (const seat of asked.seats) fact(list, "Open seat", seat, "the desk's word");
  fact(list, "Counts until", clock(request.not_after), "once, and for nothing else");
  return list;
};

const bytesOf = (held, ...facts) => {
  const { log, checkpoint } = held.request;
  const more = node("details");
  const list = node("dl");
  fact(list, "Ledger", log);
  fact(list, "Not before", `entry ${checkpoint.size}`, checkpoint.root);
  for (const [label, value] of facts) fact(list, label, value);
  fact(list, "SHA-256", hex(held.sha256));
  fact(list, "SHA-512", hex(held.sha512));
  list.querySelectorAll("dd").forEach((dd) => dd.classList.add("mono"));
  more.append(node("summary", "The bytes you sign, and their digests"), list, node("pre", new TextDecoder().decode(held.bytes)));
  return more;
};

const words = (bytes, note) => {
  const box = node("p", undefined, "words");
  box.append("Its digest in words", node("b", spoken(bytes)), node("small", note));
  return box;
};

const typed = (label, button, kind, act) => {
  const form = node("form", undefined, "card");
  const name = node("label", label);
  const area = node("textarea");
  area.required = true;
  area.maxLength = 1000;
  name.append(area);
  form.append(name, node("button", button, kind));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act(area.value, form);
  });
  return form;
};

const sign = async (asked, held) => {
  const options = JSON.parse(asked.options);
  if (options.challenge !== base64url(held.challenge)) throw new Unfit("the desk asks for another signature than this");
  const made = await navigator.credentials.get({
    publicKey: {
      rpId: options.rpId, timeout: options.timeout, userVerification: "required", challenge: held.challenge,
      allowCredentials: options.allowCredentials.map((c) => ({ ...c, id: unbase64url(c.id) })),
    },
  });
  const { clientDataJSON, authenticatorData, signature } = made.response;
  const response = {
    clientDataJSON: base64url(clientDataJSON), authenticatorData: base64url(authenticatorData),
    signature: base64url(signature),
  };
  return JSON.stringify({ id: made.id, rawId: base64url(made.rawId), type: made.type, response });
};

const decide = async (asked) => {
  const held = await read(asked);
  const problem = node("p", "", "problem");
  problem.hidden = true;
  problem.setAttribute("role", "alert");
  const act = async (part, step) => {
    problem.hidden = true;
    const buttons = [...main.querySelectorAll("button")];
    buttons.forEach((b) => { b.disabled = true; });
    try {
      const answer = await step();
      if (answer.kind === "done") show(node("h1", "Done"), node("p", answer.told, "good"), words(held.sha256, "Of what you decided on."), back());
      else await decide(answer);
    } catch (error) {
      problem.textContent = error instanceof Unfit ? `Do not sign this: ${error.message}.` : fault(error);
      problem.hidden = false;
      buttons.forEach((b) => { b.disabled = false; });
      part.after(problem);
      problem.scrollIntoView({ block: "nearest" });
    }
  };
  const digestHex = hex(held.sha256);
  const yes = node("button", "Approve exactly this, with your passkey");
  yes.id = "approve";
  yes.addEventListener("click", () => act(yes, async () => call({
    act: "approve", digest: digestHex, assertion: await sign(asked, held),
  })));
  const said = node("ul", undefined, "card");
  for (const one of asked.questions) {
    const line = node("li");
    line.append(node("strong", `${one.who}: `), one.question || "(erased)");
    line.append(node("p", one.answer === null ? "Not answered yet." : `${one.answered_by}: ${one.answer || "(erased)"}`, "lede"));
    said.append(line);
  }
  const card = node("section", undefined, "card");
  card.append(...held.changes.map((one) => node("p", one, "change")), told(asked, held));
  show(
    node("h1", `${asked.me}, will you approve this?`),
    node("p", "Everything below that is not marked as the desk's word was read from the bytes you sign.", "lede"),
    card,
    words(held.sha256, "Compare these words over another channel, for example by phone, with the desk or a second approver."),
    bytesOf(
      held,
      ["Case", held.request.case], ["Policy", held.request.policy], ["Ticket", held.request.ticket ?? "none"],
      ...held.request.evidence.map((leaf) => ["Evidence", leaf]),
    ),
    asked.questions.length ? said : null,
    asked.options ? yes : node("p", `You can not sign this: ${asked.hindrance}`, "warning"),
    problem,
    typed("A question to the desk; the time to decide runs on", "Ask", "quiet", (text, form) => act(form, () => call({ act: "ask", words: text }))),
    typed("Why you refuse; the case ends", "Refuse", "danger", (text, form) => act(form, () => call({ act: "refuse", digest: digestHex, words: text }))),
  );
};

const back = (path = "/cases?tab=mine", text = "Back to what waits for you, in the console") => {
  const link = node("a", text);
  link.href = `${desk}${path}`;
  const line = node("p");
  line.append(link);
  return line;
};

// ---- a seat that is lent

const SEATS = {
  manager_of_record: "manager of record", second_owner: "second owner", sponsor: "sponsor", iam_duty: "IAM duty",
  security_duty: "security duty", account_owner: "account owner", platform_security: "platform security",
};

const loan = async (asked) => {
  const bytes = utf8.encode(asked.statement);
  const request = JSON.parse(asked.statement);
  if (canonical(request) !== asked.statement) throw new Unfit("its bytes are not in their one spelling");
  if (request.decision !== "lend" || request.v !== 1) throw new Unfit("it is of a form this page does not know");
  if (!Object.hasOwn(SEATS, request.seat)) throw new Unfit(`this page does not know the seat “${request.seat}”`);
  if (asked.namespace !== `seat-loan@${request.log}`) throw new Unfit("it is for another ledger");
  if (!/Z$/.test(request.until)) throw new Unfit("its end is not in UTC");
  if (request.to !== asked.to.id) throw new Unfit("it is for somebody else than the desk names");
  return {
    bytes,
    request,
    sha256: await digest("SHA-256", bytes),
    sha512: await digest("SHA-512", bytes),
    challenge: await signedData(asked.namespace, bytes),
  };
};

const lend = async (asked) => {
  const held = await loan(asked);
  const { request } = held;
  const problem = node("p", "", "problem");
  problem.hidden = true;
  problem.setAttribute("role", "alert");
  const yes = node("button", "Lend exactly this, with your passkey");
  yes.id = "lend";
  yes.addEventListener("click", async () => {
    yes.disabled = true;
    problem.hidden = true;
    try {
      const answer = await call({ act: "lend", assertion: await sign(asked, held) });
      show(node("h1", "Done"), node("p", answer.told, "good"), back("/seats", "Back to your seats, in the console"));
    } catch (error) {
      problem.textContent = error instanceof Unfit ? `Do not sign this: ${error.message}.` : fault(error);
      problem.hidden = false;
      yes.disabled = false;
    }
  });
  const list = node("dl");
  fact(list, "To", `${asked.to.name}, ${asked.to.login}`, `the names are the desk's word; in what you sign it is ${request.to}`);
  fact(list, "Until", clock(request.until));
  fact(list, "Sign by", clock(request.not_after));
  const card = node("section", undefined, "card");
  card.append(node("p", `Let somebody sit as ${SEATS[request.seat]} in your place`, "change"), list);
  show(
    node("h1", `${asked.me}, will you lend this seat?`),
    node("p", "They then approve where you could have, with one voice between you. You can take it back at any time.", "lede"),
    card,
    bytesOf(held),
    yes,
    problem,
  );
};

// ---- a key of one's own, for whoever has the address and was told its code

const enrol = (offered) => {
  const problem = node("p", "", "problem");
  problem.hidden = true;
  problem.setAttribute("role", "alert");
  const make = node("button", "Make a key on this device or security key");
  make.id = "make";
  const name = node("label", "The code you were told, six digits");
  const code = node("input");
  Object.assign(code, { id: "spoken", required: true, maxLength: 20, inputMode: "numeric", autocomplete: "off" });
  name.append(code);
  const form = node("form", undefined, "card");
  form.append(name, make);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    make.disabled = true;
    problem.hidden = true;
    try {
      const begun = await call({ act: "begin", spoken: code.value });
      const asked = JSON.parse(begun.options);
      asked.challenge = unbase64url(asked.challenge);
      asked.user.id = unbase64url(asked.user.id);
      asked.excludeCredentials = (asked.excludeCredentials ?? []).map((c) => ({ ...c, id: unbase64url(c.id) }));
      const made = await navigator.credentials.create({ publicKey: asked });
      const { clientDataJSON, attestationObject } = made.response;
      const response = { clientDataJSON: base64url(clientDataJSON), attestationObject: base64url(attestationObject) };
      const answer = await call({
        act: "enrol", spoken: code.value, challenge: begun.challenge,
        assertion: JSON.stringify({ id: made.id, rawId: base64url(made.rawId), type: made.type, response }),
      });
      const box = node("p", undefined, "words");
      box.append("Your key in words", node("b", answer.words), node("small", "Say them to whoever confirms it, by phone or face to face."));
      show(node("h1", "Your key is made"), node("p", answer.told, "good"), box);
    } catch (error) {
      if (error.status === 404) form.remove(); // nothing can be done here any more
      problem.textContent = fault(error);
      problem.hidden = false;
      make.disabled = false;
      if (error.about?.some((name) => name === "wrong_page_code" || name === "spoken")) {
        code.setAttribute("aria-invalid", "true");
        code.select(); // to be typed over
        code.addEventListener("input", () => code.removeAttribute("aria-invalid"), { once: true });
      }
    }
  });
  show(
    node("h1", `${offered.me}, make the key you will approve with`),
    node("p", `${offered.offered_by} offered it to you. If you do not expect this, close the page and tell security.`, "lede"),
    form, problem,
  );
};

// ---- begin

const begin = async () => {
  if (window.top !== window.self) {
    stop("Not in a frame", "This page was put inside another one.", "Treat that as an attack: close it, and tell security.");
    return;
  }
  pass = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
  if (!pass) {
    stop("Nothing to decide", "This page was opened without a pass.", "Open it from the case, in the console.");
    return;
  }
  try {
    const asked = await call();
    if (asked.kind === "enrol") enrol(asked);
    else if (asked.kind === "lend") await lend(asked);
    else await decide(asked);
  } catch (error) {
    if (error instanceof Unfit) stop("Do not sign this", `What is asked does not hold: ${error.message}.`, "Tell security, by a number you know.");
    else stop("This page can not go on", fault(error), error.status === 404 ? "" : "Open it again from the case, in the console.");
  }
};

window.addEventListener("hashchange", () => location.hash && begin()); // another pass, pasted into the same tab
begin();
