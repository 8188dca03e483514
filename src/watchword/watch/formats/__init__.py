"""What a verdict looks like elsewhere: pure renderers, one file a format, from an `Alert` to the bytes of a message."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from watchword.core.errors import Invalid
from watchword.watch.formats import cef, ecs, ocsf, plain, splunk, syslog
from watchword.watch.formats.alert import Alert

Render = Callable[[Alert], bytes]
"""One message without a line end of its own, and none within it."""

FORMATS: Mapping[str, Render] = {
    "ocsf": ocsf.finding,
    "ocsf-event": ocsf.event,
    "ecs": ecs.document,
    "bulk": ecs.bulk,
    "cef": cef.line,
    "syslog": syslog.message,
    "hec": splunk.event,
    "jsonl": plain.line,
}


def format_named(name: str) -> Render:
    """The renderer called *name*; `Invalid` names the known ones."""
    try:
        return FORMATS[name]
    except KeyError:
        raise Invalid(
            f"No format is called {name!r}.", f"Use one of: {', '.join(sorted(FORMATS))}.", where="format"
        ) from None
