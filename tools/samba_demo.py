"""The sample organisation in the rig's domain, and Watchword's settings for it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta

from tools.samba_rig import BASE, BIND_USER, GROUPS, PEOPLE, SambaDomain
from watchword.cli.demo.organisation import EVERYTHING, MAIL, Member, phone_of
from watchword.core.person import Kind
from watchword.directories.sandbox import GROUPS as CLASSES

DIRECTORY = "corp"
CONTACTS = ("mail", "telephoneNumber")
LONG_AGO = timedelta(days=400)


def organise_demo(domain: SambaDomain, members: Iterable[Member] = EVERYTHING) -> dict[str, str]:
    """Put *members* and their groups into the domain, forget the audit of it, and return the class each group gives.

    Groups have the names the sandbox gives them. Whoever is named as manager or owner comes before those who name
    them. Everybody's contact points have been there for more than a year, as a new domain's own have not.
    """
    members = tuple(members)
    with domain.administrator() as admin:
        for member in members:
            domain.add_user(
                member.login,
                password=f"Aa1!{secrets.token_urlsafe(18)}",
                name=member.name,
                attributes=_attributes(member),
                admin=admin,
            )
        for name in CLASSES:
            belong = [_dn(member) for member in members if member.group == name]
            domain.add_group(
                name, members=belong, login=f"Watchword {name}", admin=admin
            )  # a domain has Administrators
    domain.make_older(CONTACTS, LONG_AGO)
    domain.forget_audit()
    return {f"CN={name},{GROUPS}": str(account_class) for name, account_class in CLASSES.items()}


def settings_of(domain: SambaDomain, classes: Mapping[str, str]) -> str:
    """The parts `[[directories]]` and `[watch]` of a watchword.toml; *classes* gives the account class by group DN."""
    directory = {
        "kind": "active_directory",
        "name": DIRECTORY,
        "host": domain.address,
        "ca_file": str(domain.ca_file),
        "bind_user": BIND_USER,
        "password_file": str(domain.password_file),
        "base": BASE,
    }
    watch = {"provider": "samba", "log": str(domain.audit_log)}
    return "\n".join(
        (
            "[[directories]]",
            *_pairs(directory),
            "[directories.classes]",
            *_pairs(classes),
            "",
            "[watch]",
            *_pairs(watch),
            "",
        )
    )


def _attributes(member: Member) -> dict[str, str]:
    """What the domain keeps of a member; the adapter reads the second owner from `secretary`."""
    known = {one.login: _dn(one) for one in EVERYTHING}
    told = {"department": member.unit}
    if member.kind is not Kind.SYSTEM:
        told |= dict(zip(CONTACTS, (f"{member.login}@{MAIL}", phone_of(member)), strict=True))
    if above := member.owner or member.manager:
        told["manager"] = known[above]
    if member.second_owner:
        told["secretary"] = known[member.second_owner]
    return told


def _dn(member: Member) -> str:
    return f"CN={member.name},{PEOPLE}"


def _pairs(values: Mapping[str, str]) -> list[str]:
    # A JSON string is a basic string of TOML, as key and as value.
    return [f"{json.dumps(name)} = {json.dumps(value)}" for name, value in values.items()]
