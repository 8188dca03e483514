"""Where the person of a case comes from: the network address and the browser their own page is opened with.

Both are kept as keyed pseudonyms in the ledger. An address that many people share says nothing of any of them.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address

from watchword.app import App
from watchword.core.errors import Conflict, Refused
from watchword.core.ids import CaseId


def note(app: App, case: CaseId, address: str, device: str, at: datetime) -> None:
    """Note where the page of *case* is opened from; whatever comes of that, the page is shown."""
    with suppress(Refused, Conflict):
        if not is_shared(app, address):
            app.desk.campaigns.see(case, "address", address, at)
        if device:
            app.desk.campaigns.see(case, "device", device, at)


def is_shared(app: App, address: str) -> bool:
    """Whether many people have *address*, as those behind one gateway or kiosk have; so is what is no address."""
    try:
        host = ip_address(address)
        host = getattr(host, "ipv4_mapped", None) or host
    except ValueError:
        return True
    return any(host in network for network in app.settings.console.networks)
