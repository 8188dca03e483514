"""Cosignatures, quorums and policies, and a witness that does not answer as witnesses do."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from watchword.core.errors import Corrupt, Invalid, Unavailable
from watchword.ledger.checkpoint import Checkpoint, SigningKey, sign
from watchword.ledger.cosignature import Quorum, WitnessKey, policy_without_witnesses
from watchword.ledger.note import Note, Signature, parse_note, parse_signatures
from watchword.ledger.witness import Witness

KEY = SigningKey.generate("example.test/ledger")
NOTE = sign(Checkpoint(origin=KEY.origin, size=7, root=bytes(range(32))), KEY)
THEN = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Cosigning:
    """A witness's private key, which cosigns whatever it is given."""

    def __init__(self, name: str) -> None:
        self._private = Ed25519PrivateKey.generate()
        self.key = WitnessKey(name, self._private.public_key())

    def cosign(self, note: str, seconds: int = int(THEN.timestamp())) -> Signature:
        """Return the cosignature over *note* at *seconds*."""
        text = parse_note(note).text
        signed = self._private.sign(f"cosignature/v1\ntime {seconds}\n{text}".encode())
        return Signature(name=self.key.name, key_id=self.key.key_id, signed=seconds.to_bytes(8, "big") + signed)


ONE, TWO, THREE = (Cosigning(f"witness.example.test/w{n}") for n in (1, 2, 3))
QUORUM = Quorum((ONE.key, TWO.key, THREE.key), 2)


def cosigned(*by: Cosigning, note: str = NOTE) -> str:
    """Return *note* with the cosignatures of *by* below it."""
    return note + "".join(each.cosign(note).line() for each in by)


def test_enough_witnesses_make_a_quorum() -> None:
    """Two of three are enough, and the answer says who and when; one alone, or one twice, is not."""
    told = QUORUM.verify(cosigned(ONE, THREE), KEY.verifier)
    assert told.checkpoint.size == 7
    assert told.by == ((ONE.key.name, THEN), (THREE.key.name, THEN))
    twice = cosigned(ONE) + ONE.cosign(NOTE, 5).line()
    for note in (NOTE, cosigned(ONE), twice):
        with pytest.raises(Corrupt, match="of the 2 witnesses"):
            QUORUM.verify(note, KEY.verifier)


def test_a_witness_that_nobody_named_does_not_count() -> None:
    """A stranger's line is ignored, as the format asks; one in the name and id of a witness that fails is fatal."""
    stranger = Cosigning("witness.example.test/w2")
    with pytest.raises(Corrupt, match="1 of the 2"):
        QUORUM.verify(cosigned(ONE, stranger), KEY.verifier)
    forged = Signature(name=TWO.key.name, key_id=TWO.key.key_id, signed=stranger.cosign(NOTE).signed)
    with pytest.raises(Corrupt, match="w2 does not fit"):
        QUORUM.verify(cosigned(ONE) + forged.line(), KEY.verifier)


@pytest.mark.parametrize("place", range(72))
def test_every_byte_of_a_cosignature_counts(place: int) -> None:
    """A changed time or signature is found."""
    signature = ONE.cosign(NOTE)
    signed = bytearray(signature.signed)
    signed[place] ^= 1
    with pytest.raises(Corrupt, match="does not fit"):
        ONE.key.check(Signature(name=ONE.key.name, key_id=ONE.key.key_id, signed=bytes(signed)), parse_note(NOTE).text)


def test_a_witness_key_is_of_its_own_kind() -> None:
    """A vkey comes back as it was; one of the log's kind, or with another id, is refused."""
    assert str(WitnessKey.parse(str(ONE.key))) == str(ONE.key)
    name, identifier, material = str(ONE.key).split("+", 2)
    for bad in (
        KEY.vkey,
        f"{name}+00000000+{material}",
        f"{name}+{identifier}+{base64.b64encode(bytes([4])).decode()}",
        f"a b+{identifier}+{material}",
        name,
        "",
    ):
        with pytest.raises(Invalid):
            WitnessKey.parse(bad)


def test_a_quorum_that_can_not_be_is_refused() -> None:
    """None, more than there are, or one witness named twice."""
    for witnesses, threshold in (((ONE.key,), 0), ((ONE.key,), 2), ((), 0), ((ONE.key, ONE.key), 1)):
        with pytest.raises(Invalid):
            Quorum(witnesses, threshold)


def test_the_policy_is_in_the_common_format() -> None:
    """Each key on a line of its own, a group with its threshold, and the quorum."""
    assert QUORUM.policy(KEY.verifier).splitlines() == [
        f"log {KEY.vkey}",
        f"witness w1 {ONE.key}",
        f"witness w2 {TWO.key}",
        f"witness w3 {THREE.key}",
        "group witnesses 2 w1 w2 w3",
        "quorum witnesses",
    ]
    assert policy_without_witnesses(KEY.verifier) == f"log {KEY.vkey}\nquorum none\n"


@given(
    st.one_of(st.text(), st.text().map(lambda t: f"{NOTE}{t}"), st.text().map(lambda t: f"{t}\n\n\u2014 a YWJjZGVm\n"))
)
def test_any_text_is_a_note_or_corrupt(text: str) -> None:
    """Nothing but `Corrupt` comes out, and what is read is written again as it was."""
    try:
        read = parse_note(text)
    except Corrupt:
        return
    assert str(read) == text
    assert parse_signatures("".join(s.line() for s in read.signatures)) == read.signatures
    assert isinstance(read, Note)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[Witness]:
    """Our client of something that answers every question with *status* and *body*."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        with closing(Witness(ONE.key, f"http://127.0.0.1:{server.server_address[1]}/", timeout_s=5)) as witness:
            yield witness
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, TWO.cosign(NOTE).line().encode()),
        (200, ONE.cosign(NOTE, 0).line().encode()[:-9] + b"AAAAAAAA\n"),
        (200, "\u2014 not a line".encode()),
        (200, b"\xff\xfe"),
        (200, b"x" * 100_000),
        (301, b""),
        (409, b"many\n"),
        (409, b"-1\n"),
        (409, b"9" * 40),
        (429, b"slow down"),
        (500, b""),
    ],
)
def test_what_is_no_cosignature_is_silence(status: int, body: bytes) -> None:
    """Whatever else comes back, the checkpoint is not cosigned, and it is asked again."""
    with answering(status, body) as witness, pytest.raises(Unavailable, match="w1 did not cosign"):
        witness.add(NOTE, 0, ())


def test_a_good_answer_beside_other_lines() -> None:
    """A witness may sign with several keys; the line of the one it is known by is taken."""
    body = (TWO.cosign(NOTE).line() + ONE.cosign(NOTE).line()).encode()
    with answering(200, body) as witness:
        assert witness.add(NOTE, 0, ()) == ONE.cosign(NOTE)


def test_nobody_there_is_silence() -> None:
    """A closed port is an absent witness."""
    with closing(Witness(ONE.key, "http://127.0.0.1:9", timeout_s=1)) as witness, pytest.raises(Unavailable):
        witness.add(NOTE, 0, ())
