"""Check an evidence bundle of Watchword with nothing of Watchword: `python3 verify.py BUNDLE.zip [--key VKEY]`.

This one file is the whole verifier: Python 3.11 and `cryptography`, the bundle and nothing else. It computes every hash
and signature from the bytes. What it can not prove: that the keys of ledger and witnesses are the right ones (compare
them with those published, or give --key), and that nothing followed after the checkpoint.
Formats: RFC 9162 (Merkle tree), C2SP signed-note and tlog-*, RFC 9901 (disclosures), PROTOCOL.sshsig, WebAuthn Level 3.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

NAMES = re.compile(
    r"VERIFY\.md|verify\.py|policy\.tlog|checkpoint|allowed_signers"
    r"|entries/\d{6,18}\.(json|tlog-proof)|approvals/\d{6,18}\.(request\.json|sig|webauthn\.json)"
    r"|disclosures/\d{6,18}\.json|policy/(procedures\.yaml|methods\.yaml|people\.cedar|people\.cedarschema)"
    r"|stamps/[a-z0-9.-]{1,60}\.(checkpoint|tsr|pem)"
)
POLICY = ("procedures.yaml", "methods.yaml", "people.cedar", "people.cedarschema")
LONGEST, MOST, WHOLE = 1 << 20, 20_000, 1 << 26  # bytes of a file, files, and bytes of a bundle, at most
ES256 = (bytes.fromhex("a5010203262001215820"), bytes.fromhex("225820"))  # before x and before y, in canonical COSE
Files = dict[str, bytes]
MISSHAPEN = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)


class NotProved(Exception):
    """A check that does not hold: *what*, and in which file of the bundle (*where*)."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"{where}: {what}")
        self.what, self.where = what, where


class Check(NamedTuple):
    """One thing that had to hold, and what was proved of it."""

    number: int
    what: str
    proved: str


class Entry(NamedTuple):
    """One entry: its index, the leaf hash (hex) of its exact bytes, the file they are in, and what they say."""

    seq: int
    leaf: str
    where: str
    said: dict[str, Any]
    type: str
    data: dict[str, Any]


class Policy(NamedTuple):
    """The ledger's verifier key, those of its witnesses, and how many of them have to cosign."""

    log: str
    witnesses: list[str]
    threshold: int


def verify(bundle: bytes, key: str | None = None) -> tuple[Check, ...]:
    """Return every check of *bundle* (a zip), which all hold; raise `NotProved` at the first that does not.

    *key* is the ledger's verifier key, known from elsewhere; without it the bundle's own is used, and that is said.
    """
    proved: list[tuple[str, str]] = []
    try:
        files = unpack(bundle)
        proved.append(("the archive holds the files of a bundle and no other", f"{len(files)} files"))
        policy = read_policy(files["policy.tlog"].decode())
        if key is not None and key.strip() != policy.log:
            no("the ledger's key is not the one you gave", "policy.tlog")
        note = files["checkpoint"].decode()
        origin, size, root = checkpoint(note, policy.log, "checkpoint")
        trust = "the key you gave" if key is not None else f"its own key, {policy.log}: is it the published one?"
        proved.append((f"the ledger {origin} signed a checkpoint of {size} entries", trust))
        proved.append((f"enough witnesses cosigned it: {policy.threshold}", cosigners(note, policy)))
        entries = [entry(files, name, note, size, root) for name in sorted(files) if re.match(r"entries/.*json", name)]
        proved.append(("each entry leads to its signed root", f"{len(entries)} inclusion proofs"))
        case = story(entries)
        proved.append(("no entry of the case is missing up to its last here", f"{len(case)} entries of {case[0].type}"))
        proved.append(("references lead back, and disclosures to their commitments", joined(files, entries)))
        proved.append(("what was asked is what was approved, released and done", same_bytes(case)))
        proved.append(("approvers signed those bytes with their own passkeys", approvals(files, entries, case, origin)))
        proved.append(("the policy is the one the case was opened under", policy_text(files, case)))
        proved.append(("stamped checkpoints are of this ledger", stamps(files, policy.log)))
    except MISSHAPEN as error:
        raise NotProved(f"it has not the form of a bundle: {type(error).__name__} {error}", "bundle") from error
    return tuple(Check(number, what, that) for number, (what, that) in enumerate(proved, 1))


def unpack(bundle: bytes) -> Files:
    """The files of the archive by name: only those a bundle has, each once, none too large."""
    files: Files = {}
    try:
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
            members = archive.infolist()
            if len(members) > MOST or sum(member.file_size for member in members) > WHOLE:
                no("it is larger than any bundle", "archive")
            for member in members:
                if not NAMES.fullmatch(member.filename) or member.filename in files:
                    no("it does not belong in a bundle, or is there twice", repr(member.filename))
                if member.flag_bits & 1 or member.file_size > LONGEST:
                    no("it is encrypted or too large", member.filename)
                with archive.open(member) as file:
                    files[member.filename] = file.read(LONGEST + 1)
                if len(files[member.filename]) != member.file_size:
                    no("it is not as long as the archive says", member.filename)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError, MemoryError) as error:
        no(f"it is no zip archive: {error}", "archive")
    if missing := {"policy.tlog", "checkpoint", "VERIFY.md", "verify.py", "allowed_signers"} - set(files):
        no(f"it lacks {', '.join(sorted(missing))}", "archive")
    return files


def read_policy(told: str) -> Policy:
    """A tlog-policy of one log and at most one group of witnesses, as bundles have it."""
    log, quorum, groups = "", "", {"none": 0}
    witnesses: dict[str, str] = {}
    for line in told.splitlines():
        match line.split():
            case ["log", vkey] if not log:
                log = vkey
            case ["witness", name, vkey] if name not in witnesses and vkey not in witnesses.values():
                witnesses[name] = vkey
            case ["group", name, count, *members] if set(members) == set(witnesses) and 0 < int(count) <= len(members):
                groups[name] = int(count)
            case ["quorum", name] if name in groups and not quorum and bool(witnesses) == bool(groups[name]):
                quorum = name
            case _:
                no(f"a line of it is not a bundle's: {line[:60]!r}", "policy.tlog")
    if not log or not quorum or not re.fullmatch(r"([!-~]+( [!-~]+)*\n)+", told):
        no("it names no ledger, or no quorum", "policy.tlog")
    return Policy(log, list(witnesses.values()), groups[quorum])


def checkpoint(note: str, vkey: str, where: str) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint that the ledger's key signed."""
    origin, key_id, material = vkey_parts(vkey, 0x01)
    body, _, lines = note.rpartition("\n\n")
    said = body.split("\n")
    if len(said) != 3 or said[0] != origin or not re.fullmatch(r"[1-9][0-9]{0,17}", said[1]):
        no(f"it is no checkpoint of {origin}", where)
    signed = [blob for name, blob in signatures(lines, where) if name == origin and blob[:4] == key_id]
    if not signed:
        no("the ledger's key did not sign it", where)
    for blob in signed:
        check_ed25519(material, blob[4:], f"{body}\n".encode(), where)
    root = unbase64(said[2], where)
    return origin, int(said[1]), root if len(root) == 32 else no("its root is no SHA-256", where)


def cosigners(note: str, policy: Policy) -> str:
    """Who of the witnesses cosigned *note*, and when; too few is a failure."""
    body, _, lines = note.rpartition("\n\n")
    found: dict[str, datetime] = {}
    for witness, key_id, material in (vkey_parts(vkey, 0x04) for vkey in policy.witnesses):
        for name, blob in signatures(lines, "checkpoint"):
            if name == witness and blob[:4] == key_id:
                seconds = int.from_bytes(blob[4:12], "big")
                message = f"cosignature/v1\ntime {seconds}\n{body}\n".encode()
                check_ed25519(material, blob[12:], message, "checkpoint")
                found[witness] = datetime.fromtimestamp(seconds, UTC)
    if len(found) < policy.threshold:
        no(f"{len(found)} of {policy.threshold} witnesses cosigned it", "checkpoint")
    return ", ".join(f"{who} at {at:%Y-%m-%d %H:%M:%S} UTC" for who, at in found.items()) or "nobody was asked to"


def vkey_parts(vkey: str, kind: int) -> tuple[str, bytes, bytes]:
    """Name, key id and 32-byte Ed25519 key of a verifier key of one *kind*."""
    name, stated, encoded = vkey.split("+", 2)
    material = unbase64(encoded, "policy.tlog")
    key_id = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
    if not name or len(material) != 33 or material[0] != kind or stated != key_id.hex():
        no(f"{vkey[:80]!r} is no verifier key", "policy.tlog")
    return name, key_id, material[1:]


def signatures(lines: str, where: str) -> list[tuple[str, bytes]]:
    """Name, and key id ‖ signature, of each line under a note."""
    split = [line.split(" ") for line in lines.removesuffix("\n").split("\n")]
    if any(dash != "\u2014" for dash, _, _ in split):
        no("a signature line is malformed", where)
    return [(name, unbase64(blob, where)) for _, name, blob in split]


def check_ed25519(key: bytes, signature: bytes, message: bytes, where: str) -> None:
    """Check one Ed25519 signature."""
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        no("a signature does not fit it", where)


def entry(files: Files, name: str, note: str, size: int, root: bytes) -> Entry:
    """The entry in *name*, once its proof leads to the root of the bundle's checkpoint (RFC 9162 §2.1.3.2)."""
    index, where = int(name[8:-5]), f"{name[:-5]}.tlog-proof"
    head, _, told = files[where].decode().partition("\n\n")
    begins, numbered, *path = head.split("\n")
    if begins != "c2sp.org/tlog-proof@v1" or numbered != f"index {index}" or told != note or index >= size:
        no("it is not a proof of this index under the bundle's checkpoint", where)
    node = leaf = hashlib.sha256(b"\x00" + files[name]).digest()
    at, last = index, size - 1
    for sibling in (unbase64(line, where) for line in path):
        if last == 0 or len(sibling) != 32:
            no("its path is too long or misshapen", where)
        if at & 1 or at == last:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        at, last = at >> 1, last >> 1
    if last != 0 or node != root:
        no("the entry's bytes do not lead to the signed root", name)
    said = parse(files[name], name)
    return Entry(index, leaf.hex(), name, said, said["type"], said["data"])


def story(entries: list[Entry]) -> list[Entry]:
    """The entries of the one case, in order and without a gap."""
    case = [one for one in entries if one.said["stream"].startswith("case/")]
    if len({one.said["stream"] for one in case}) != 1 or case[0].type != "case.opened":
        no("it is not of one case, from its opening on", "entries/")
    if [one.said["version"] for one in case] != list(range(len(case))):
        no("an entry of the case is missing", "entries/")
    return case


def joined(files: Files, entries: list[Entry]) -> str:
    """How many references lead to an earlier entry of the bundle, and disclosures to a commitment of their entry."""
    place = {one.leaf: one.seq for one in entries}
    found = [(one, place[ref]) for one in entries for ref in one.said["refs"] if ref in place]
    if late := [one.where for one, target in found if target >= one.seq]:
        no("it refers to a later entry", late[0])
    told = [(name, each) for name in files if name.startswith("disclosures/") for each in json.loads(files[name])]
    committed = {one.where[8:]: one.said["sd"] for one in entries}
    for name, each in told:
        if hashlib.sha256(each.encode()).hexdigest() not in committed[name[12:]]:
            no("it opens nothing that its entry committed to", name)
    return f"{len(found)} references, {len(told)} disclosures"


def same_bytes(case: list[Entry]) -> str:
    """Whatever was approved or released is what was asked for this case; changes were started by a release alone."""
    asked = [one.data["request"] for one in case if one.type in ("approval.asked", "break_glass.invoked")]
    place = {one.leaf: one for one in case}
    opened, released, done = case[0].data, False, []
    for one in case:
        if one.type in ("approval.given", "case.released"):
            request = parse(one.data["request"].encode(), one.where)
            if one.data["request"] not in asked:
                no("it is of other bytes than were asked", one.where)
            if any(request[name] != opened[name] for name in ("case", "account", "account_class", "action")):
                no("it is about another case", one.where)
            cited = [place[leaf] for leaf in request["evidence"]]
            if any(proof.seq >= one.seq or proof.type != "method.proved" for proof in cited):
                no("it cites what is no earlier verification", one.where)
            votes = [place[leaf] for leaf in one.data.get("approvals", ())]
            if any(vote.type != "approval.given" or vote.data["request"] != one.data["request"] for vote in votes):
                no("it cites what is no approval of these bytes", one.where)
        released = released or one.type in ("case.released", "case.contained")
        if one.type == "change.started" and not released:
            no("a change was started that nothing released", one.where)
        if one.type == "change.ended":
            done.append(f"change {one.data['number']} {one.data['outcome']}")
    return ", ".join(done) or "nothing was changed"


def approvals(files: Files, entries: list[Entry], case: list[Entry], origin: str) -> str:
    """Each signature: by a passkey the approver had before, with PIN or biometric, over the bytes that were asked."""
    told = []
    for vote in (one for one in case if one.type == "approval.given"):
        proof = parse(vote.data["proof"].encode(), vote.where)
        name, request = f"approvals/{vote.seq:06}", vote.data["request"]
        beside = files.get(f"{name}.sig", b"") + files.get(f"{name}.request.json", b"")
        if proof["kind"] == "ssh" and beside != f"{proof['signature']}{request}".encode():
            no("its files do not say what the entry says", name)
        if proof["kind"] != "sshsig":
            how = "SSH key, which `ssh-keygen` checks" if proof["kind"] == "ssh" else "their session alone"
            told.append(f"{vote.data['person']} by {how}")
            continue
        material = enrolled(entries, vote, proof["credential"])
        parts = [proof[part] for part in ("client_data", "authenticator_data", "signature")]
        client, data, der = (unbase64url(part, vote.where) for part in parts)
        said = parse(client, vote.where)
        blob = (f"reset-approval@{origin}".encode(), b"", b"sha512", hashlib.sha512(request.encode()).digest())
        challenge = b"SSHSIG" + b"".join(len(part).to_bytes(4, "big") + part for part in blob)
        if said["type"] != "webauthn.get" or unbase64url(said["challenge"], vote.where) != challenge:
            no("its passkey signed something else", vote.where)
        if said.get("crossOrigin") or said.get("topOrigin") is not None:
            no("it was made inside another page", vote.where)
        if data[:32] != hashlib.sha256(material["rp_id"].encode()).digest() or data[32] & 0x05 != 0x05:
            no("it was made for another domain, or without PIN or biometric", vote.where)
        cose = unbase64url(material["public_key"], vote.where)
        if cose != ES256[0] + cose[10:42] + ES256[1] + cose[-32:]:
            no("the enrolled key is no ES256 key", vote.where)
        try:
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + cose[10:42] + cose[-32:])
            key.verify(der, data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            no("the enrolled key did not sign it", vote.where)
        copy, armour = parse(files[f"{name}.webauthn.json"], name), files[f"{name}.sig"].decode()
        held = dict(zip(("clientDataJSON", "authenticatorData", "signature"), parts, strict=True))
        held |= {"credentialId": proof["credential"], "publicKey": material["public_key"], "rpId": material["rp_id"]}
        if files[f"{name}.request.json"].decode() != request or copy != held:
            no("its files do not say what the entry says", name)
        if client not in unbase64(re.sub(r"-----[A-Z ]+-----|\n", "", armour), name):
            no("its SSH signature is another one", name)
        told.append(f"{vote.data['person']} by passkey on {said['origin']}")
    return ", ".join(told) or "none was asked for"


def enrolled(entries: list[Entry], vote: Entry, credential: str) -> dict[str, Any]:
    """The passkey *credential* of the one who voted: enrolled to them before, and not revoked before."""
    found: dict[str, dict[str, Any]] = {}
    for one in entries:
        if one.seq < vote.seq and one.said["stream"] == f"person/{vote.data['person']}":
            if one.type == "credential.enrolled" and one.data["credential"]["method"] == "passkey":
                found[one.data["credential"]["id"]] = parse(one.data["credential"]["public"].encode(), one.where)
            if one.type == "credential.revoked":
                found.pop(one.data["credential"], None)
    matching = [material for material in found.values() if material["credential_id"] == credential]
    return matching[-1] if matching else no("its passkey was not the approver's at that time", vote.where)


def policy_text(files: Files, case: list[Entry]) -> str:
    """The policy files hash to the digest that the case was opened under."""
    if any(f"policy/{name}" not in files for name in POLICY):
        return "its text is not in the bundle"
    texts = (files[f"policy/{name}"] for name in POLICY)
    total = hashlib.sha256(b"".join(len(data).to_bytes(8, "big") + data for data in texts))
    named = f"sha256:{total.hexdigest()}"
    return named if case[0].data["requirement"]["policy"] == named else no("it is another policy", "policy/")


def stamps(files: Files, vkey: str) -> str:
    """Each stamped checkpoint is this ledger's; that its token holds is for `openssl ts -verify` (VERIFY.md)."""
    names = [name for name in files if name.startswith("stamps/") and name.endswith(".checkpoint")]
    for name in names:
        checkpoint(files[name].decode(), vkey, name)
        if hashlib.sha256(files[name]).digest() not in files[f"{name[:-11]}.tsr"]:
            no("the token beside it is of other bytes", name)
    return f"{len(names)}, whose tokens `openssl ts -verify` checks" if names else "none is here"


def parse(raw: bytes, where: str) -> dict[str, Any]:
    """A JSON object in which no name stands twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return dict(pairs) if len(dict(pairs)) == len(pairs) else no("a name stands twice in it", where)

    value = json.loads(raw, object_pairs_hook=once)
    return value if isinstance(value, dict) else no("it is no JSON object", where)


def unbase64(encoded: str, where: str) -> bytes:
    """Base64 in its one spelling."""
    data = base64.b64decode(encoded, validate=True)
    return data if base64.b64encode(data).decode() == encoded else no("it holds misspelt base64", where)


def unbase64url(encoded: str, where: str) -> bytes:
    """Base64url without padding."""
    return unbase64(encoded.replace("-", "+").replace("_", "/") + "=" * (-len(encoded) % 4), where)


def no(what: str, where: str) -> NoReturn:
    """End with a check that does not hold."""
    raise NotProved(what, where)


def main(arguments: list[str]) -> str | int:
    """Print what was proved; return 0, or what is wrong."""
    if len(arguments) not in (1, 3) or arguments[1:2] not in ([], ["--key"]):
        return "usage: python3 verify.py BUNDLE.zip [--key VKEY]"
    try:
        checks = verify(Path(arguments[0]).read_bytes(), arguments[2] if arguments[1:] else None)
    except (OSError, NotProved) as error:
        return f"NOT PROVED: {error}"
    sys.stdout.writelines(f"{check.number:2}. {check.what}: {check.proved}\n" for check in checks)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
