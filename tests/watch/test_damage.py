"""Damaged, foreign and hostile logs: counted, kept aside with their lines, and the rest is judged."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from watchword.core.errors import Invalid
from watchword.watch import sieve
from watchword.watch.engine import Engine
from watchword.watch.printable import printable
from watchword.watch.providers import PROVIDERS

from .conftest import Classify, Okta


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("not json at all", "not JSON"),
        ('{"eventType": "user.account.res', "cut short, or damaged JSON"),
        ("[1, 2", "cut short, or damaged JSON"),
        ("42", "a JSON value that is no event"),
        ("null", "a JSON value that is no event"),
        ("[]", "a JSON value that is no event"),
        ('{"uuid": "x"}', "no eventType"),
        ('{"eventType": null}', "no eventType"),
        (b"\x00" * 40, "not JSON"),
        ('{"a":' * 100_000, "nested too deep"),
    ],
)
def test_a_damaged_line_is_kept_aside_and_the_rest_is_judged(
    okta: Okta, classify: Classify, line: str | bytes, reason: str
) -> None:
    """A line that is no event is named by file, number and reason; both its neighbours have verdicts."""
    report = classify([okta(), line, okta(target="00uben")])
    assert len(report.verdicts) == 2
    assert report.lines == 3
    assert [(rejected.line, rejected.reason) for rejected in report.rejected] == [(2, reason)]
    assert report.rejected[0].file.endswith("log.jsonl")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b'"severity"', b'"sev\xff\xfeerity"'),
        lambda text: text.replace(b'"x-agent"', b'"raw \x1b[2J \x00"'),
        lambda text: text.replace(b'"x-agent"', b'"\\ud800"'),
        lambda text: b"[" + text + b"]",
    ],
    ids=["byte order mark", "no UTF-8", "raw control characters", "lone surrogate", "a list of one"],
)
def test_what_needs_no_guess_is_read_all_the_same(
    okta: Okta, classify: Classify, damage: Callable[[bytes], bytes]
) -> None:
    """An event can not be hidden from the watch by bytes that a parser chokes on."""
    event = json.dumps(okta(severity="INFO", displayMessage="x-agent")).encode()
    report = classify([damage(event), okta(target="00uben")])
    assert {row.target for row in report.verdicts} == {"00uana", "00uben"}
    assert report.rejected_lines == 0


def test_carriage_returns_and_blank_lines_are_no_lines(okta: Okta, classify: Classify) -> None:
    """CRLF ends and blank lines change neither the count nor the verdicts."""
    report = classify([json.dumps(okta()) + "\r", "", "  \t\r", json.dumps(okta(target="00uben")) + "\r"])
    assert (report.lines, len(report.verdicts), report.rejected_lines) == (2, 2, 0)


def test_line_numbers_count_every_line(okta: Okta, classify: Classify) -> None:
    """A rejected line's number is the one an editor shows, blank lines included."""
    report = classify(["", okta(), "", "oops", okta()])
    assert [line.line for line in report.rejected] == [4]


def test_rejected_lines_go_to_a_file(okta: Okta, classify: Classify, tmp_path: Path) -> None:
    """Asked for a side file, the engine writes each rejected line with its text, control characters escaped."""
    side = tmp_path / "rejects.jsonl"
    classify([okta(), "oops \x1b[2J"], rejects=side)
    (line,) = side.read_bytes().splitlines()
    kept = msgspec.json.decode(line)
    assert (kept["line"], kept["reason"], kept["text"]) == (2, "not JSON", "oops \x1b[2J")
    assert b"\x1b" not in line


def test_rejected_lines_can_be_read_again(okta: Okta, classify: Classify, tmp_path: Path) -> None:
    """What was kept aside as no event of one provider is read as another's; what is none still keeps its own text."""
    side, again = tmp_path / "rejects.jsonl", tmp_path / "again.jsonl"
    whole = okta(displayMessage="x" * 5000)
    report = classify([whole, "oops", "[" + json.dumps(okta(target="00uben"))], provider="entra", rejects=side)
    assert report.rejected_lines == 3
    report = Engine().classify("okta", (side,), rejects=again)
    assert ({row.target for row in report.verdicts}, report.lines) == ({"00uana"}, 3)
    assert [one.reason for one in report.rejected] == ["not JSON", "cut short, or damaged JSON"]
    assert json.loads(again.read_text().splitlines()[0])["text"] == "oops"


def test_an_empty_log_is_an_empty_report(classify: Classify) -> None:
    """No lines: no verdicts, no error."""
    report = classify([])
    assert (report.verdicts, report.lines, report.types) == ((), 0, ())


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_missing_log_is_invalid(tmp_path: Path, name: str) -> None:
    """A log that is not there, or is a folder, is refused with its path and the way on."""
    with pytest.raises(Invalid, match=r"Check the path|Name the log files") as error:
        Engine().classify("okta", (tmp_path / name,))
    assert str(tmp_path) in error.value.where


def test_an_unknown_provider_is_invalid(tmp_path: Path) -> None:
    """The error names the providers there are."""
    with pytest.raises(Invalid, match=r"okta, .*samba"):
        Engine().classify("octa", ())


@pytest.mark.parametrize("content", [b"", b"PAR1 no", b"case,ticket\n"])
def test_evidence_of_another_kind_is_invalid(
    okta: Okta, write_log: Callable[..., Path], tmp_path: Path, content: bytes
) -> None:
    """A file that is no evidence table is refused by name; so is one that is not there."""
    log, table = write_log(tmp_path / "log", [okta()]), tmp_path / "evidence.parquet"
    table.write_bytes(content)
    with pytest.raises(Invalid, match="no evidence table"):
        Engine().classify("okta", (log,), table)
    with pytest.raises(Invalid, match="no such evidence"):
        Engine().classify("okta", (log,), tmp_path / "other.parquet")


def test_an_accounts_file_without_its_columns_is_invalid(
    okta: Okta, write_log: Callable[..., Path], tmp_path: Path
) -> None:
    """The error says which columns to write."""
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("name,kind\na,b\n")
    with pytest.raises(Invalid, match="target_keys,class"):
        Engine().classify("okta", (write_log(tmp_path / "log", [okta()]),), accounts=accounts)


def test_compressed_logs_are_read_whatever_their_name(okta: Okta, tmp_path: Path) -> None:
    """Compression is told by its first bytes; damaged lines in it are found too."""
    log = tmp_path / "log.data"
    log.write_bytes(gzip.compress(json.dumps(okta()).encode() + b"\noops\n"))
    report = Engine().classify("okta", (log,))
    assert (len(report.verdicts), [line.line for line in report.rejected]) == (1, [2])


def test_a_compressed_log_cut_short_gives_what_it_has(okta: Okta, tmp_path: Path) -> None:
    """The events before the cut are judged, and the cut is named."""
    whole = gzip.compress(b"".join(json.dumps(okta(uuid=f"u{n}", target=f"t{n}")).encode() + b"\n" for n in range(500)))
    log = tmp_path / "log.gz"
    log.write_bytes(whole[: len(whole) // 2])
    report = Engine().classify("okta", (log,))
    assert 0 < len(report.verdicts) < 500
    *_, last = report.rejected
    assert last.reason.startswith("the compressed file breaks off here: ")
    assert [share.is_broken for share in report.broken_files] == [True]


def test_a_line_too_long_is_kept_aside(okta: Okta, tmp_path: Path) -> None:
    """A line past the longest is skipped whole, and named; what follows is judged."""
    log = tmp_path / "log.jsonl"
    with log.open("wb") as out:
        out.write(json.dumps(okta()).encode() + b'\n{"eventType":"' + b"A" * (3 * sieve.LONGEST_LINE) + b'"}\n')
        out.write(json.dumps(okta(target="00uben")).encode() + b"\n")
    report = Engine().classify("okta", (log,))
    assert len(report.verdicts) == 2
    assert [(line.line, line.reason[:11]) for line in report.rejected] == [(2, "longer than")]


def test_a_name_with_wildcards_is_one_file(okta: Okta, write_log: Callable[..., Path], tmp_path: Path) -> None:
    """A log called `*.jsonl` is that file, and not a pattern for others."""
    write_log(tmp_path / "other.jsonl", [okta()])
    report = Engine().classify("okta", (write_log(tmp_path / "*.jsonl", [okta(target="00uben")]),))
    assert [row.target for row in report.verdicts] == ["00uben"]


def test_many_rejected_lines_are_all_counted(okta: Okta, classify: Classify) -> None:
    """The report shows the first thousand rejected lines and counts every one."""
    report = classify(["oops"] * 1500 + [okta()])
    assert (len(report.rejected), report.rejected_lines, len(report.verdicts)) == (1000, 1500, 1)


def test_a_member_written_twice_hides_nothing(okta: Okta, classify: Classify) -> None:
    """A line whose first eventType is null and whose second is a reset is still judged."""
    line = '{"eventType": null, ' + json.dumps(okta())[1:]
    assert [row.native_action for row in classify([line]).verdicts] == ["user.account.reset_password"]


HOSTILE = (
    "'; DROP TABLE native; --",
    '"',
    "\\",
    "\x00",
    "\x1b]0;x\x07",
    "%s",
    "{}",
    "*",
    "\u202e",
    "A" * 100_000,
    "null",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(okta: Okta, classify: Classify, text: str) -> None:
    """Text from a log is never SQL, a pattern or a format; it comes back as it was."""
    row = classify.one(okta(actor=text, target=text + "x", transaction={"id": text + "y"}))
    assert (row.actor, row.target, row.correlation) == (text, text + "x", text + "y")


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
@pytest.mark.parametrize("deep", ["lists", "members", "column", "same"])
def test_what_is_nested_too_deep_stops_nothing(provider: str, deep: str, tmp_path: Path) -> None:
    """A line that no parser can go down to the end of is one line more, rejected or of some type, in every log."""
    depth = 3000
    line = {
        "lists": '{"x":' + "[" * depth + "]" * depth + "}",
        "members": '{"x":' * depth + "1" + "}" * depth,
        "column": '{"TimeGenerated":"2026-03-02T12:00:00Z","' + "actor" + "_a" * depth + '_s":"x","eventType_s":"y"}',
        "same": '{"cisco_duo":' * depth + "{}" + "}" * depth,
    }[deep]
    log = tmp_path / "log"
    log.write_text(line + "\n" + line + "\n", encoding="utf-8")
    report = Engine().classify(provider, (log,))
    assert report.lines == 2 == report.rejected_lines + report.preamble + sum(c.lines for c in report.types)


@settings(max_examples=25)
@given(lines=st.lists(st.one_of(st.binary(max_size=40), st.text(max_size=40).map(str.encode)), max_size=6))
def test_no_line_is_lost_whatever_it_holds(classify: Classify, lines: list[bytes]) -> None:
    """Every line that is not blank is an event, a count of its type, or rejected; good ones always come through."""
    whole = b"\n".join(lines).split(b"\n")
    assume(not whole[0].startswith(b"\x1f\x8b\x08"))  # such a log is compressed, and no list of lines
    first = next((line.strip() for line in whole if line.strip()), b"-")
    assume(first.strip(b"[]{}, "))  # and one that begins so is JSON over many lines, whose brackets are no lines
    report = classify([*whole, Okta()()])
    whole[0] = whole[0].strip(b" \t\r\n\v\f").removeprefix(b"\xef\xbb\xbf")
    blank = sum(not line.strip(b" \t\r\n\v\f") for line in whole)
    assert report.lines == len(whole) + 1 - blank
    assert len(report.verdicts) == 1
    assert report.rejected_lines + sum(count.lines for count in report.types) == report.lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\u202eb\u200bc", "a\\u202eb\\u200bc"),
        ("é 東 ok", "é 東 ok"),
        ("\n\r\t", "\\x0a\\x0d\\x09"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_printable_obeys_no_terminal(text: str, shown: str) -> None:
    """Control and invisible characters are written as escapes; letters of any script stay."""
    assert printable(text) == shown
