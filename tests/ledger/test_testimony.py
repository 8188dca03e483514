"""What outsiders said, as the database keeps it: changed, moved or made up, none of it counts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.ledger.conftest import NOON, ORIGIN, Place, draft, to
from tests.ledger.test_cosignature import Cosigning
from tests.ledger.time_authority import TimeAuthority
from watchword.core.errors import Corrupt, Unavailable
from watchword.core.ids import Seq
from watchword.ledger.checkpoint import Checkpoint, sign
from watchword.ledger.cosignature import Quorum
from watchword.ledger.cosigner import Cosigner
from watchword.ledger.leader import Ledger
from watchword.ledger.timestamp import Authority, Stamper
from watchword.ledger.witness import Witness


class Booth(ThreadingHTTPServer):
    """Two witnesses on one port, which cosign whatever they are shown while the booth is open."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.is_open = True
        self.both = {f"/w{n}": Cosigning(f"witness.example.test/w{n}") for n in (1, 2)}

    def clients(self) -> tuple[Witness, ...]:
        """One for each witness."""
        host = f"http://127.0.0.1:{self.server_address[1]}"
        return tuple(Witness(each.key, f"{host}{path}/", timeout_s=5) for path, each in self.both.items())


class _Handler(BaseHTTPRequestHandler):
    server: Booth

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        witness = self.server.both[self.path.removesuffix("/add-checkpoint")]
        body = witness.cosign(asked.split("\n\n", 1)[1]).line().encode()
        self.send_response(200 if self.server.is_open else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def booth() -> Iterator[Booth]:
    """Two witnesses."""
    with Booth() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def asking(place: Place, ledger: Ledger, booth: Booth, *, alone: bool = False) -> Iterator[Cosigner]:
    """A new process's cosigner, which wants both; *alone* it knows no way to either."""
    quorum = Quorum(tuple(each.key for each in booth.both.values()), 2)
    memory = place.folder / "witnessed"
    with closing(Cosigner(ledger, place.key.verifier, () if alone else booth.clients(), quorum, memory)) as cosigner:
        yield cosigner


@pytest.fixture
def ledger(place: Place, booth: Booth) -> Ledger:
    """A ledger of two entries, cosigned by both, who are away now."""
    ledger = place.open()
    ledger.append((to("case/1", -1, draft(), draft(after=1)),))
    with asking(place, ledger, booth) as cosigner:
        assert cosigner.step() == 2
    booth.is_open = False
    return ledger


def spoil(place: Place, line: str, witness: str = "witness.example.test/w1") -> None:
    """Put *line* in the place of what *witness* said."""
    place.tamper("DELETE FROM cosignature WHERE witness = :witness", witness=witness)
    place.tamper(
        "INSERT INTO cosignature (size, witness, line) VALUES (2, :witness, :line)", witness=witness, line=line
    )


def kept_of(ledger: Ledger) -> dict[str, str]:
    return {kept.witness: kept.line for kept in ledger.testimony.lines()}


def test_flipped_cosignature_never_counts(place: Place, booth: Booth, ledger: Ledger) -> None:
    """A line with any one character changed is no cosignature; as it was, it is."""
    good = kept_of(ledger)["witness.example.test/w1"]
    for at in range(len(good)):
        spoil(place, good[:at] + chr(ord(good[at]) ^ 1) + good[at + 1 :])
        with asking(place, ledger, booth, alone=True) as cosigner, pytest.raises(Unavailable, match="Fewer than 2"):
            cosigner.demand(Seq(1))
    spoil(place, good)
    with asking(place, ledger, booth, alone=True) as cosigner:
        cosigner.demand(Seq(1))


def test_cosigned_checkpoint_of_another_history_never_counts(place: Place, booth: Booth, ledger: Ledger) -> None:
    """Whoever holds the signing key has others cosigned: that covers nothing here, and proves nothing."""
    for fork in (Checkpoint(origin=ORIGIN, size=2, root=bytes(32)), Checkpoint(origin=ORIGIN, size=9, root=bytes(32))):
        note = sign(fork, place.key)
        place.tamper("DELETE FROM cosignature")
        place.tamper("DELETE FROM checkpoint WHERE size >= 2")
        place.tamper("INSERT INTO checkpoint (size, note) VALUES (:size, :note)", size=fork.size, note=note)
        for each in booth.both.values():
            place.tamper(
                "INSERT INTO cosignature (size, witness, line) VALUES (:size, :witness, :line)",
                size=fork.size, witness=each.key.name, line=each.cosign(note).line(),
            )  # fmt: skip
        with asking(place, ledger, booth, alone=True) as cosigner:
            assert not cosigner.covers(Seq(0))
            assert cosigner.note(Seq(0)) is None


def lines(booth: Booth, good: dict[str, str], note: str) -> tuple[str, ...]:
    """Lines that are no cosignature by the first witness of this checkpoint."""
    other = note.replace("\n2\n", "\n1\n", 1)
    stranger = Cosigning("witness.example.test/w1")
    return (
        "",
        "\n",
        "\n\n",
        "noise",
        good["witness.example.test/w2"],
        good["witness.example.test/w1"] * 2,
        good["witness.example.test/w1"] + good["witness.example.test/w2"],
        "\n" + good["witness.example.test/w1"],
        booth.both["/w1"].cosign(other).line(),
        stranger.cosign(note).line(),
        "\u2014 witness.example.test/w1 AAAA\n",
        "x" * 100_000,
    )


def test_spoiled_cosignature_spoils_no_other(place: Place, booth: Booth, ledger: Ledger) -> None:
    """Whatever stands in a witness's place, it does not count, and what the witness says when it is asked does."""
    good = kept_of(ledger)
    quorum = Quorum(tuple(each.key for each in booth.both.values()), 2)
    booth.is_open = True
    for line in lines(booth, good, ledger.checkpoint[0]):
        spoil(place, line)
        with asking(place, ledger, booth, alone=True) as other, pytest.raises(Unavailable):
            other.demand(Seq(1))
        with asking(place, ledger, booth) as other:
            other.demand(Seq(1))
            assert quorum.verify(other.note(Seq(1)) or "", place.key.verifier).checkpoint.size == 2
    # A later checkpoint is kept whole again, and covers what came before.
    ledger.append((to("case/1", 1, draft(after=2)),))
    with asking(place, ledger, booth) as other:
        assert other.step() == 3
    with asking(place, ledger, booth, alone=True) as other:
        other.demand(Seq(1))
        assert quorum.verify(other.note(Seq(1)) or "", place.key.verifier).checkpoint.size == 3


def test_planted_line_does_not_keep_a_later_one_out(place: Place, booth: Booth, ledger: Ledger) -> None:
    """A line that was planted before there is a checkpoint of that size keeps the witness's own from nothing."""
    place.tamper(
        "INSERT INTO cosignature (size, witness, line) VALUES (3, 'witness.example.test/w1', 'planted')",
        "INSERT INTO cosignature (size, witness, line) VALUES (900, 'witness.example.test/w2', 'planted')",
    )
    booth.is_open = True
    ledger.append((to("case/1", 1, draft(after=2)),))
    with asking(place, ledger, booth) as cosigner:
        assert cosigner.step() == 3
        cosigner.demand(Seq(2))


def test_lines_under_a_changed_checkpoint_do_not_count(place: Place, booth: Booth, ledger: Ledger) -> None:
    """Good lines that stand under another checkpoint, of this ledger even, cosign nothing there."""
    place.tamper("UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 0) WHERE size = 2")
    with asking(place, ledger, booth, alone=True) as cosigner, pytest.raises(Unavailable):
        cosigner.demand(Seq(1))


# --- time-stamps


def test_time_stamp_in_another_place_does_not_count(place: Place, tmp_path: Path) -> None:
    """A token that is changed, or filed under another checkpoint or authority, says nothing."""
    made, other = TimeAuthority(tmp_path / "one"), TimeAuthority(tmp_path / "two")
    ledger = place.open()
    ledger.append((to("case/1", -1, draft()),))
    with made.serving() as url:
        named = [Authority(name=name, url=url, roots=each.root) for name, each in (("one", made), ("two", other))]
        stamper = Stamper(ledger, tuple(named), timedelta(hours=1))
        stamper.step(NOON)  # the second does not vouch for what the first one signs
        assert [(kept.size, kept.authority) for kept in ledger.testimony.stamped()] == [(1, "one")]
    (kept,) = ledger.testimony.stamped()
    at = stamper.check(kept)
    ledger.append((to("case/1", 0, draft()),))
    for change in ("size = 2", "authority = 'two'", "authority = 'three'"):
        place.tamper(f"UPDATE timestamp SET {change}")
        (moved,) = ledger.testimony.stamped()
        with pytest.raises(Corrupt):
            stamper.check(moved)
        assert not any(is_well for _, is_well, _ in stamper.look())
        place.tamper("UPDATE timestamp SET size = 1, authority = 'one'")
    assert stamper.check(ledger.testimony.stamped()[0]) == at
    for place_of in range(0, len(kept.token), 31):
        token = bytearray(kept.token)
        token[place_of] ^= 0x01
        place.tamper("UPDATE timestamp SET token = :token", token=bytes(token))
        try:
            assert stamper.check(ledger.testimony.stamped()[0]) == at
        except Corrupt:
            continue
