"""What a verdict or a finding looks like elsewhere: pure renderers, one file a format, to the bytes of a message."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from watchword.core.errors import Invalid
from watchword.watch.formats import cef, ecs, ocsf, ocsf_finding, plain, splunk, syslog
from watchword.watch.formats.alert import Alert
from watchword.watch.formats.finding_alert import AnyAlert, FindingAlert

Render = Callable[[AnyAlert], bytes]
"""One message without a line end of its own, and none within it."""


def _either(of_verdict: Callable[[Alert], bytes], of_finding: Callable[[FindingAlert], bytes]) -> Render:
    return lambda alert: of_finding(alert) if isinstance(alert, FindingAlert) else of_verdict(alert)


FORMATS: Mapping[str, Render] = {
    "ocsf": _either(ocsf.finding, ocsf_finding.of_finding),
    "ocsf-event": _either(ocsf.event, ocsf_finding.of_finding),
    "ecs": _either(ecs.document, ecs.of_finding),
    "bulk": _either(ecs.bulk, ecs.bulk_of_finding),
    "cef": _either(cef.line, cef.of_finding),
    "syslog": _either(syslog.message, syslog.of_finding),
    "hec": _either(splunk.event, splunk.of_finding),
    "jsonl": _either(plain.line, plain.of_finding),
}


def format_named(name: str) -> Render:
    """The renderer called *name*; `Invalid` names the known ones."""
    try:
        return FORMATS[name]
    except KeyError:
        raise Invalid(
            f"No format is called {name!r}.", f"Use one of: {', '.join(sorted(FORMATS))}.", where="format"
        ) from None
