"""The sample organisation as a real Active Directory has it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.real.conftest import Connect
from tools.samba_demo import DIRECTORY, organise_demo, settings_of
from tools.samba_rig import SambaDomain
from watchword.cli.demo.organisation import EVERYTHING, PEOPLE
from watchword.core.account import AccountClass
from watchword.directories.sandbox import GROUPS as CLASSES
from watchword.directory_parts import ActiveDirectoryPart
from watchword.settings import load


def test_everybody_is_there(samba: SambaDomain, connect: Connect, tmp_path: Path) -> None:
    """Each member has the class of their group, their manager or owners, and contact points that count."""
    classes = organise_demo(samba)
    assert samba.audit_log.read_text() == ""
    config = tmp_path / "watchword.toml"
    config.write_text(f'[ledger]\norigin = "example.test/demo"\n\n{settings_of(samba, classes)}')
    settings = load(config)
    (part,) = settings.directories
    assert isinstance(part, ActiveDirectoryPart)
    assert (part.name, settings.watch.log) == (DIRECTORY, samba.audit_log)

    directory = connect(classes=tuple(part.classes.items()))
    seen = {member.login: directory.find(member.login)[0] for member in EVERYTHING}
    month_ago = datetime.now(UTC) - timedelta(days=31)
    for member in EVERYTHING:
        account = seen[member.login]
        assert account.account_class is CLASSES[member.group]
        assert account.unit == member.unit
        above = member.owner or member.manager
        assert account.manager == (seen[above].native_id if above else None)
        assert account.second_owner == (seen[member.second_owner].native_id if member.second_owner else None)
        assert len(account.contacts) == (2 if member in PEOPLE else 0)
        assert all(contact.changed_at and contact.changed_at < month_ago for contact in account.contacts)
    assert seen["emergency-1"].account_class is AccountClass.BREAK_GLASS
