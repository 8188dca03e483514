"""`watchword demo` as people run it: a process that plays the story, stays or ends, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

WATCHWORD = Path(sys.executable).with_name("watchword")
BROKEN = Path(__file__).with_name("broken_place.py")
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 180
SCENES = 10


@contextmanager
def demo(tmp: Path, *words: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A process of the demo with a place of its own for temporary files; it is gone after the `with`."""
    with subprocess.Popen(
        [*map(str, words)],
        env=os.environ | {"TMPDIR": str(tmp), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as running:
        watchdog = threading.Timer(PATIENCE_S, running.kill)
        watchdog.start()
        try:
            yield running
        finally:
            watchdog.cancel()
            running.kill()


def of_session(leader: int) -> list[int]:
    """Processes that *leader* started and that are still there."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def test_the_story_comes_out_as_it_must(tmp_path: Path) -> None:
    """Every scene is played and every outcome printed; nothing stays behind, no file and no process."""
    with demo(tmp_path, WATCHWORD, "demo", "--check") as played:
        told, _ = played.communicate()

    assert played.returncode == 0, told
    assert re.findall(r"^ (\d+) ", told, re.MULTILINE) == [str(n) for n in range(1, SCENES + 1)]
    for outcome in (
        "the directory's own log of it is verified",
        "refused: the verifier approves (sod-verifier-approves)",
        "refused: a fourth try, by another agent",
        "(wider_than_approved)",
        "unverified within",
        "a review is owed by",
        "fsck: sound",
    ):
        assert outcome in told
    held = re.search(r"^(\d+) outcomes held\.$", told, re.MULTILINE)
    assert held is not None
    assert int(held[1]) == len(re.findall(r"^    ✔ (?!fsck)", told, re.MULTILINE)) > 15
    assert "✘" not in told
    assert not list(tmp_path.iterdir())
    assert not of_session(played.pid)


def test_it_stays_until_it_is_told_to_end(tmp_path: Path) -> None:
    """Without --check the console stays up at the port that was asked for; Ctrl-C ends it with 0 and removes all."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with demo(tmp_path, WATCHWORD, "demo", "--port", str(port)) as staying:
        assert staying.stdout is not None
        told = ""
        while "Ctrl-C ends it" not in told:
            line = staying.stdout.readline()
            assert line, told
            told += line
        healthy = httpx2.get(f"http://127.0.0.1:{port}/healthz")
        signed_out = httpx2.get(f"http://127.0.0.1:{port}/")
        staying.send_signal(signal.SIGINT)
        rest, _ = staying.communicate(timeout=60)

    assert healthy.json()["entries"] > 200
    assert signed_out.status_code in {302, 303}
    assert f"http://localhost:{port}" in told
    assert staying.returncode == 0, rest
    assert not list(tmp_path.iterdir())
    assert not of_session(staying.pid)


def test_a_stop_in_the_middle_removes_everything(tmp_path: Path) -> None:
    """A service manager's stop in the middle of the story takes everything away as well."""
    with demo(tmp_path, WATCHWORD, "demo", "--check") as stopped:
        assert stopped.stdout is not None
        while "good reset" not in (line := stopped.stdout.readline()):
            assert line
        stopped.send_signal(signal.SIGTERM)
        rest, _ = stopped.communicate(timeout=60)

    assert stopped.returncode == 130, rest
    assert "Traceback" not in rest
    assert not list(tmp_path.iterdir())


def test_an_outcome_that_does_not_hold_exits_with_one(tmp_path: Path) -> None:
    """On a directory that does not let people in with their new password the story breaks, and says where."""
    with demo(tmp_path, sys.executable, BROKEN) as played:
        told, _ = played.communicate()

    assert played.returncode == 1, told
    assert "✘ mara.lind signs in with it" in told
    assert "The story broke: mara.lind signs in with it" in told
    assert "outcomes held" not in told
    assert "Traceback" not in told
    assert not list(tmp_path.iterdir())


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    """Where something else listens it ends with 4 and names the port, and removes what it made."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        demo(tmp_path, WATCHWORD, "demo", "--port", str(taken.getsockname()[1])) as refused,
    ):
        told, _ = refused.communicate()

    assert refused.returncode == 4
    assert "can not be listened on" in told
    assert not list(tmp_path.iterdir())
