"""Evidence bundles: what is in one, who may have it, and that nothing in it can be changed unseen."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.desk.office import Office, refused
from tests.desk.test_decisions import asked
from watchword.core.errors import Corrupt, Invalid
from watchword.core.ids import CaseId
from watchword.core.person import Kind, Role, RoleGrant
from watchword.ledger import verifier
from watchword.ledger.bundle import check
from watchword.ledger.checkpoint import SigningKey

HARMLESS = ("VERIFY.md", "verify.py", "allowed_signers")
"""Files that are for people and for other tools; nothing is concluded from them here."""

SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


class Archive(bytes):
    """A bundle, with a name short enough to be told when a test fails."""

    def __repr__(self) -> str:
        return f"<bundle of {len(self)} bytes>"


def hire_auditor(office: Office) -> None:
    """Let somebody in who may read evidence."""
    root, people = office["root.admin"], office.app.people
    person = people.register(root, login="aud.itor", name="aud.itor", kind=Kind.EMPLOYEE, unit="audit", at=office.at)
    people.grant(root, person, RoleGrant(role=Role.AUDITOR), office.at)


def done(office: Office) -> CaseId:
    """A case with a signed approval, done."""
    case = asked(office)
    office.sign(case, "boss.one")
    office.release(case)
    office.run()
    return case


@pytest.fixture(scope="module")
def finished(signing: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, CaseId]]:
    """An office in which one signed case is done."""
    office = signing.copy(tmp_path_factory.mktemp("finished") / "office")
    hire_auditor(office)
    case = done(office)
    yield office, case
    office.close()


@pytest.fixture(scope="module")
def bundle(finished: tuple[Office, CaseId]) -> bytes:
    """Its bundle."""
    office, case = finished
    return Archive(office.app.dossier.collect(office["aud.itor"], case, office.at).zip())


def unpacked(bundle: bytes) -> dict[str, bytes]:
    """The files of a bundle."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: dict[str, bytes]) -> bytes:
    """A zip of *files*."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def changed(bundle: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The bundle with one file changed."""
    files = unpacked(bundle)
    return packed(files | {name: change(files[name])})


def test_a_bundle_proves_itself(finished: tuple[Office, CaseId], bundle: bytes) -> None:
    """Every check is numbered and says what it proved; the approver's passkey and what was done are named."""
    office, _ = finished
    checks = check(bundle, office.app.signing_key.vkey)
    assert [one.number for one in checks] == list(range(1, len(checks) + 1))
    told = " ".join(one.proved for one in checks)
    assert f"{office['boss.one']} by passkey on {office.origin}" in told
    assert "change 0 done" in told
    assert office.app.policy.digest in told


def test_the_same_evidence_is_the_same_bytes(finished: tuple[Office, CaseId], bundle: bytes) -> None:
    """Two exports do not differ in a byte."""
    office, case = finished
    assert office.app.dossier.collect(office["aud.itor"], case, office.at).zip() == bundle


def test_the_file_in_it_proves_it_alone(bundle: bytes, tmp_path: Path) -> None:
    """`verify.py` as it is in the bundle runs by itself, with nothing of ours to import, and says the same."""
    (tmp_path / "bundle.zip").write_bytes(bundle)
    (tmp_path / "verify.py").write_bytes(unpacked(bundle)["verify.py"])
    alone = (sys.executable, "-I", "-W", "error", "verify.py", "bundle.zip")
    ran = subprocess.run(alone, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert [line.partition(". ")[2] for line in ran.stdout.splitlines()] == [
        f"{one.what}: {one.proved}" for one in check(bundle)
    ]
    source = (tmp_path / "verify.py").read_text()
    assert "import watchword" not in source
    assert "from watchword" not in source
    assert len(source.splitlines()) < 400


def test_only_who_may_exports(finished: tuple[Office, CaseId]) -> None:
    """An agent, an approver and an administrator do not; whoever the case is about never does."""
    office, case = finished
    for login in ("ada.agent", "boss.one", "root.admin", "mara.lind"):
        assert refused(partial(office.app.dossier.collect, office[login], case, office.at))


def test_personal_data_are_opened_but_no_secret(finished: tuple[Office, CaseId], bundle: bytes) -> None:
    """Ticket, receipt and names are there, salted; seeds, hashes and sealed credentials never; closed, nothing is."""
    office, case = finished
    files = unpacked(bundle)
    assert "INC-" in " ".join(_opened(files))
    names = {json.loads(_decoded(each))[1] for each in _raw(files)}
    assert {"ticket", "receipt", "login"} <= names
    assert not names & {"secret", "envelope", "contact"}
    closed = office.app.dossier.collect(office["aud.itor"], case, office.at, is_open=False).zip()
    assert not [name for name in unpacked(closed) if name.startswith("disclosures/")]
    check(closed)


def _raw(files: dict[str, bytes]) -> list[str]:
    return [each for name, data in files.items() if name.startswith("disclosures/") for each in json.loads(data)]


def _decoded(each: str) -> bytes:
    return verifier.unbase64url(each, "")


def _opened(files: dict[str, bytes]) -> list[str]:
    return [str(json.loads(_decoded(each))[2]) for each in _raw(files)]


def test_every_file_counts(bundle: bytes) -> None:
    """A byte flipped in any file is found, but for those that are for people and other tools.

    An SSH signature is for `ssh-keygen`, which checks each byte of it; here only whose assertion it is.
    """
    files = unpacked(bundle)
    unseen = []
    for name, data in files.items():
        for place in sorted({0, len(data) // 3, len(data) // 2, len(data) - 1}):
            flipped = bytearray(data)
            flipped[place] ^= 1
            try:
                check(packed(files | {name: bytes(flipped)}))
            except Corrupt:
                continue
            unseen.append(name)
    assert {name for name in unseen if not name.endswith(".sig")} == set(HARMLESS)


def test_every_byte_of_the_small_files_counts(bundle: bytes) -> None:
    """Each single byte of the checkpoint, the policy, an entry, its proof and an approval, one by one."""
    files = unpacked(bundle)
    entry = next(name for name in files if name.endswith(".json") and b'"case.released"' in files[name])
    approval = next(name[:-4] for name in files if name.endswith(".sig"))
    unseen = []
    for name in ("checkpoint", "policy.tlog", f"{entry[:-5]}.tlog-proof", f"{approval}.request.json", entry):
        for place in range(0, len(files[name]), 1 if len(files[name]) < 700 else 7):
            flipped = bytearray(files[name])
            flipped[place] ^= 0x10
            try:
                check(packed(files | {name: bytes(flipped)}))
            except Corrupt:
                continue
            unseen.append((name, place))
    assert not unseen


@pytest.mark.parametrize("missing", ["checkpoint", "policy.tlog", "VERIFY.md", "verify.py", "allowed_signers"])
def test_what_is_missing_is_named(bundle: bytes, missing: str) -> None:
    """A bundle without one of its parts is none."""
    with pytest.raises(Corrupt, match=missing.replace(".", r"\.")):
        check(packed({name: data for name, data in unpacked(bundle).items() if name != missing}))


def test_a_missing_entry_is_found(bundle: bytes) -> None:
    """Leaving out one entry of the case, or an enrolment, or a signature, shows."""
    files = unpacked(bundle)
    of_case = [name for name in files if name.startswith("entries/") and b'"stream":"case/' in files[name]]
    enrolled = [name for name in files if b'"credential.enrolled"' in files[name] and b"public_key" in files[name]]
    for name in (of_case[0], of_case[3], *enrolled):
        less = {each: data for each, data in files.items() if not each.startswith(name.removesuffix(".json"))}
        if name in enrolled and b"boss" not in files[name]:
            continue
        with pytest.raises(Corrupt):
            check(packed(less))
    signature = next(name for name in files if name.endswith(".sig"))
    with pytest.raises(Corrupt):
        check(packed({each: data for each, data in files.items() if each != signature}))


def test_other_peoples_keys_and_files(bundle: bytes) -> None:
    """The key you know is held against the bundle's; files that do not belong, or lead elsewhere, are refused."""
    stranger = SigningKey.generate("example.test/office")
    with pytest.raises(Corrupt, match="not the one you gave"):
        check(bundle, stranger.vkey)
    files = unpacked(bundle)
    for name in ("../outside", "/etc/passwd", "entries/1.json", "notes.txt", "entries/000001.exe", "checkpoint/"):
        with pytest.raises(Corrupt, match="does not belong"):
            check(packed(files | {name: b"x"}))
    with pytest.raises(Corrupt):
        check(changed(bundle, "policy.tlog", lambda _: f"log {stranger.vkey}\nquorum none\n".encode()))


def test_a_bundle_that_is_none() -> None:
    """No zip, an empty one, a huge one, one that unpacks to more than it says: told, and nothing else comes out."""
    for data in (b"", b"PK\x03\x04", b"not a zip", packed({})):
        with pytest.raises(Corrupt):
            check(data)
    with pytest.raises(Invalid):
        check(bytes(verifier.WHOLE + 1))
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("checkpoint", bytes(verifier.LONGEST + 1))
    with pytest.raises(Corrupt, match="too large"):
        check(bomb.getvalue())


@settings(max_examples=150)
@given(
    which=st.integers(0),
    replaced=st.binary(max_size=200) | SHAPES.map(lambda shape: json.dumps(shape).encode()) | st.integers(0, 2**16),
)
def test_whatever_is_in_it_only_our_errors_come_out(bundle: bytes, which: int, replaced: bytes | int) -> None:
    """Any file replaced by any bytes, by JSON of another shape, or cut: `Corrupt`, or what is left still holds."""
    files = unpacked(bundle)
    name = sorted(files)[which % len(files)]
    data = files[name][: replaced % len(files[name])] if isinstance(replaced, int) else replaced
    try:
        check(packed(files | {name: data}))
    except Corrupt:
        return
    assert name in HARMLESS or (name.startswith("disclosures/") and not json.loads(data)), name  # less is disclosed


@settings(max_examples=100)
@given(place=st.integers(0), value=st.integers(0, 255))
def test_any_byte_of_the_archive(bundle: bytes, place: int, value: int) -> None:
    """Any byte of the zip itself changed: `Corrupt`, or what is in it is the same."""
    broken = bytearray(bundle)
    broken[place % len(bundle)] = value
    try:
        check(bytes(broken))
    except Corrupt:
        return
    same = unpacked(bytes(broken))
    assert {name: data for name, data in same.items() if name not in HARMLESS} == {
        name: data for name, data in unpacked(bundle).items() if name not in HARMLESS
    }
