"""A browser that answers prompts: what is enrolled of it, and how often a person may be prompted.

What a person did not ask for wears them down until they say yes (T1621), so that every prompt counts, whoever began it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from watchword.core.errors import Refused
from watchword.core.person import Credential

METHOD = "prompt_key"
"""`Credential.method` of a browser that answers prompts."""

PROVIDED = frozenset({"okta_push", "duo_push"})
"""The methods whose prompt a provider makes appear, in an app of its own."""

FACTOR = "okta_factor"
"""`Credential.method` of an enrolment of Okta Verify; which one it is at the provider is a payload."""

DUO_DEVICE = "duo_device"
"""`Credential.method` of an enrolment of Duo Mobile; which device of whom it is at Duo is a payload."""

PROMPTING = frozenset({"push_number"}) | PROVIDED
"""The methods that make something appear before the person, wherever they are."""

MOST = 3
"""How often one person is prompted within `WITHIN`, over all their accounts, cases and methods of that kind."""

WITHIN = timedelta(hours=1)


class PromptMaterial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`Credential.public` of a browser: its P-256 key, *x* and *y* as in a JWK; *offer* made the enrolment."""

    x: str
    y: str
    offer: str


def material_of(credential: Credential) -> PromptMaterial | None:
    """What an enrolment holds; None where it is no browser for prompts."""
    try:
        return msgspec.json.decode(credential.public, type=PromptMaterial)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def demand_rest(prompted: tuple[datetime, ...], at: datetime) -> None:
    """Raise `Refused` where somebody was *prompted* as often as anybody may be within the hour before *at*."""
    recent = sorted(t for t in prompted if at - t < WITHIN)
    if len(recent) >= MOST:
        raise Refused(
            f"This person was prompted {len(recent)} times within the last hour.",
            f"Ask whether they are being worn down, and tell security if so. Use another method, or wait until "
            f"{recent[-MOST] + WITHIN:%H:%M} UTC.",
            ("prompted_often",),
        )
