"""What the commands say of lines of another tenant, or of several."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Here
from tests.watch.conftest import NOON
from tests.watch.test_tenants import OURS, THEIRS, hub
from watchword.cli.observe_words import noted
from watchword.watch.observe import observe
from watchword.watch.providers import Feed, provider_named


def test_the_commands_tell_it(here: Here, tmp_path: Path) -> None:
    """`classify` takes tenants and says what was not judged; so does an observation by the settings' sources."""
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(hub(t, n)) + "\n" for n, t in enumerate((OURS, THEIRS, THEIRS))))
    typed = here("watch", "classify", "--provider", "entra", "--tenant", OURS, str(log))
    assert f"2 lines of entra are of another tenant and were not judged: {THEIRS} (2)." in " ".join(typed.out.split())
    assert "no events" not in typed.out
    typed = here("watch", "classify", "--provider", "entra", str(log))
    assert "are of 2 tenants, and all were judged as its own" in " ".join(typed.out.split())
    typed = here("watch", "classify", "--provider", "okta", "--tenant", "corp", str(log))
    assert typed.code != 0
    assert "does not say which tenant" in " ".join((typed.out + typed.err).split())

    feeds = (Feed(provider=provider_named("entra"), files=(log,), tenants=(OURS,)),)
    seen = observe(feeds, since=NOON)
    assert {one.tenant: one.ours for one in seen.tenants} == {OURS: True, THEIRS: False}
    assert noted(seen)[0] == f"2 lines of entra are of another tenant and were not judged: {THEIRS} (2)."
    assert not any("no events" in note for note in noted(seen))
