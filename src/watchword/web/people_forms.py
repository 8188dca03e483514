"""The forms of a person's page, and what each does when it is posted."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal
from urllib.parse import quote

from watchword.app import App
from watchword.core.errors import Invalid
from watchword.core.ids import PersonId
from watchword.core.person import Delegation, Kind, Role, RoleGrant
from watchword.core.prompt import DUO_DEVICE
from watchword.desk.links import take_back as take_back_page
from watchword.desk.roster import Known, Powers
from watchword.desk.vouching import name_contact, name_supervisor
from watchword.reception.ends import end_of
from watchword.reception.problems import NotThere
from watchword.reception.wording import plain
from watchword.web.view import Field, Form, Option


def address_of(login: str) -> str:
    """The page of somebody."""
    return f"/people/{quote(login, safe='')}"


def register() -> Form:
    """Make somebody known."""
    kinds = tuple(Option(value=k, label=k.value) for k in Kind if k is not Kind.SYSTEM)
    return Form(
        action="/people",
        button="Register",
        title="Register somebody",
        lede="It gives them no role and no way to sign in.",
        fields=(
            Field(name="login", label="Login"),
            Field(name="name", label="Name"),
            Field(name="unit", label="Unit", required=False),
            Field(name="kind", label="Kind", kind="select", options=kinds, value=Kind.EMPLOYEE),
        ),
    )


def revoke(login: str, role: Role, *, several: bool) -> Form:
    """Take a role, in every unit; *several* says that it is held in more than one."""
    button = "Revoke in every unit" if several else "Revoke"
    return _form(login, "revoke", button, weight="danger", fields=(_hidden("role", role),))


def end_delegation(login: str, unit: str) -> Form:
    """End a delegation."""
    return _form(login, "end-delegation", "End", weight="danger", fields=(_hidden("unit", unit),))


def revoke_credential(login: str, credential: str) -> Form:
    """Let a credential count no longer."""
    why = Field(name="why", label="Why", hint="Kept sealed beside the entry.")
    fields = (_hidden("credential", credential), why)
    return _form(login, "revoke-credential", "Revoke it", title="Revoke", weight="danger", fields=fields)


def take_back(login: str, page: str) -> Form:
    """Have the address of a page of their own lead nowhere any more."""
    return _form(login, "take-back", "Take it back", weight="danger", fields=(_hidden("page", page),))


def confirm(login: str, credential: str, shown: str, words: str) -> Form:
    """Say that a key is the person's own."""
    fields = (_hidden("credential", credential), _hidden("fingerprint", shown))
    lede = f"Ask them, by phone or face to face, for the words of their key. They have to be: {words}"
    return _form(login, "confirm-key", "It is theirs", title="Confirm it for approvals", lede=lede, fields=fields)


def _ssh_key(known: Known) -> Form:
    line = Field(
        name="key", label="Their public key", kind="area", hint="The line of an ed25519-sk or ecdsa-sk .pub file."
    )
    lede = "For approvals signed outside the browser. Somebody else confirms it."
    return _form(known.login, "ssh-key", "Enrol it", title="Enrol an SSH key", lede=lede, fields=(line,))


def changes(app: App, known: Known, powers: Powers) -> tuple[Form, ...]:
    """What may be added to a person."""
    found: list[Form] = []
    if powers.gives:
        found += [_grant(known, powers), _link(app, known)]
    if powers.everywhere and known.person.kind is Kind.EMPLOYEE:
        found.append(_delegate(known))
    if powers.enrols:
        found += [_password(known), _ssh_key(known)]
    if powers.enrols and known.person.kind is Kind.EMPLOYEE:
        found.append(_contact(known))
        found.append(_supervisor(known))
    if powers.enrols and app.device is not None:
        found.append(_device(known))
    if powers.enrols and app.workloads.issuers:
        found.append(_workload(app, known))
    if powers.enrols and app.settings.proofing:
        found.append(_identity(known))
    if powers.enrols and app.settings.okta_verify:
        found.append(_okta(known))
    if powers.enrols and app.settings.duo:
        found.append(_duo(known))
    return tuple(found)


def _grant(known: Known, powers: Powers) -> Form:
    unit = Field(
        name="unit",
        label="In which unit",
        value="" if powers.everywhere else known.person.unit,
        required=not powers.everywhere,
        hint="Without one it holds everywhere." if powers.everywhere else "One that you administer.",
    )
    fields = (
        Field(
            name="role",
            label="Role",
            kind="select",
            options=tuple(Option(value=r, label=plain(r)) for r in powers.gives),
        ),
        unit,
        Field(name="until", label="Until", kind="date", required=False, hint="00:00 UTC; without it until revoked."),
    )
    return _form(known.login, "grant", "Give the role", title="Give a role", fields=fields)


def _directory(app: App) -> Field:
    """Which directory; not asked where there is one."""
    names = tuple(Option(value=name, label=name) for name in app.directories)
    kind: Literal["hidden", "select"] = "hidden" if len(names) == 1 else "select"
    return Field(name="directory", label="Directory", kind=kind, value=names[0].value if names else "", options=names)


def _link(app: App, known: Known) -> Form:
    fields = (
        _directory(app),
        Field(name="account", label="Account", hint="Login, mail address, display name or native id, whole."),
    )
    return _form(known.login, "link", "Link it", title="Link an account", fields=fields)


def _delegate(known: Known) -> Form:
    fields = (
        Field(name="unit", label="Unit"),
        Field(name="until", label="Until", kind="date", hint="00:00 UTC; a year at most."),
    )
    lede = "They administer the people of that unit, and nobody who governs."
    return _form(known.login, "delegate", "Delegate it", title="Delegate a unit", lede=lede, fields=fields)


def _password(known: Known) -> Form:
    fields = (
        Field(name="password", label="New password", kind="password", autocomplete="new-password"),
        Field(name="again", label="Once more", kind="password", autocomplete="new-password"),
    )
    lede = "For signing in to this console. It replaces the one before."
    return _form(known.login, "password", "Set it", title="Set the password", lede=lede, fields=fields)


def _device(known: Known) -> Form:
    field = Field(name="certificate", label="Certificate", kind="area", hint="The device's, as PEM, without its key.")
    lede = "A computer the organisation manages for this person, known by its client certificate."
    return _form(known.login, "device", "Enrol it", title="Enrol a managed device", lede=lede, fields=(field,))


def _contact(known: Known) -> Form:
    field = Field(name="contact", label="Colleague", hint="Their login. They need a passkey of their own.")
    lede = "Somebody the person trusts to say that it is them. Their word counts in 30 days."
    return _form(
        known.login, "recovery-contact", "Name them", title="Name a recovery contact", lede=lede, fields=(field,)
    )


def _supervisor(known: Known) -> Form:
    field = Field(name="site", label="Site", hint="As people there call it. They need a passkey of their own.")
    lede = "They may say at a kiosk of that site that somebody stands there whose badge they saw. It counts in 30 days."
    return _form(known.login, "supervises", "Enter them", title="Name a supervisor", lede=lede, fields=(field,))


def _workload(app: App, known: Known) -> Form:
    fields = (
        _directory(app),
        Field(name="account", label="Account they own", hint="Of a service or an AI agent, whole."),
        Field(
            name="issuer",
            label="Issuer",
            kind="select",
            options=tuple(Option(value=name, label=name) for name in app.workloads.issuers),
        ),
        Field(name="subject", label="Subject", hint="The `sub` of its tokens, exactly."),
    )
    lede = "The platform's tokens then speak for it, beside its owner."
    return _form(known.login, "workload", "Enrol it", title="Enrol a workload", lede=lede, fields=fields)


def _okta(known: Known) -> Form:
    fields = (
        Field(name="user", label="Id of the user", hint="From the address of their page at Okta."),
        Field(name="factor", label="Id of the factor", hint="Of their factor of the type `push`."),
    )
    lede = "Their app then answers prompts. Both ids are kept sealed."
    return _form(known.login, "okta-verify", "Enrol it", title="Enrol Okta Verify", lede=lede, fields=fields)


def _duo(known: Known) -> Form:
    fields = (
        Field(name="user", label="Id of the user", hint="DU…, from the address of their page in Duo's admin panel."),
        Field(name="device", label="Id of the device", hint="DP…, from the address of the page of their phone."),
    )
    lede = "Their app then answers prompts. Both ids are kept sealed."
    return _form(known.login, "duo-mobile", "Enrol it", title="Enrol Duo Mobile", lede=lede, fields=fields)


def _identity(known: Known) -> Form:
    fields = (
        Field(name="given_name", label="Given names"),
        Field(name="family_name", label="Family name"),
        Field(name="birthdate", label="Date of birth", kind="date"),
    )
    lede = "As on their document. Only a sealed digest is kept, to hold an identity provider's answer against."
    return _form(known.login, "identity", "Enrol it", title="Enrol who they are on documents", lede=lede, fields=fields)


def _form(login: str, step: str, button: str, **more: object) -> Form:
    return Form(action=f"{address_of(login)}/{step}", button=button, **more)  # type: ignore[arg-type]


def _hidden(name: str, value: str) -> Field:
    return Field(name=name, label="", kind="hidden", value=value)


# --- what a posted form does ------------------------------------------------------------------------------------------

Said = Mapping[str, str]
Taking = Callable[[App, PersonId, PersonId, Said, datetime], object]


def _role(said: Said) -> Role:
    if said.get("role") not in set(Role):
        raise Invalid("There is no such role.", "Pick one of the list.", where="role")
    return Role(said["role"])


def _give(app: App, actor: PersonId, person: PersonId, said: Said, at: datetime) -> None:
    until = said.get("until", "").strip()
    grant = RoleGrant(
        role=_role(said), unit=said.get("unit", "").strip() or None, until=end_of(until, at) if until else None
    )
    app.people.grant(actor, person, grant, at)


def _delegate_unit(app: App, actor: PersonId, person: PersonId, said: Said, at: datetime) -> None:
    delegation = Delegation(unit=said.get("unit", "").strip(), until=end_of(said.get("until", ""), at))
    app.people.delegate(actor, person, delegation, at)


def _link_account(app: App, actor: PersonId, person: PersonId, said: Said, at: datetime) -> None:
    directory = said.get("directory", "")
    seen = app.desk.intake.find(directory, said.get("account", "").strip())
    app.people.link(actor, person, directory, seen.native_id, at)


def _set_password(app: App, actor: PersonId, person: PersonId, said: Said, at: datetime) -> None:
    new = said.get("password", "")
    if not hmac.compare_digest(new.encode(), said.get("again", "").encode()):
        raise Invalid("The two were not the same.", "Type the new password again.", where="password")
    app.people.set_password(actor, person, new, at)


def _enrol_workload(app: App, actor: PersonId, person: PersonId, said: Said, at: datetime) -> None:
    app.workloads.enrol(
        actor,
        person,
        directory=said.get("directory", ""),
        account=said.get("account", "").strip(),
        issuer=said.get("issuer", ""),
        subject=said.get("subject", "").strip(),
        at=at,
    )


def _enrol_identity(app: App, actor: PersonId, person: PersonId, said: Said, at: datetime) -> None:
    app.proofings.enrol(
        actor,
        person,
        given_name=said.get("given_name", ""),
        family_name=said.get("family_name", ""),
        birthdate=said.get("birthdate", ""),
        at=at,
    )


_TAKEN: dict[str, Taking] = {
    "identity": _enrol_identity,
    "okta-verify": lambda app, actor, person, said, at: app.factors.enrol(
        actor, person, user=said.get("user", ""), factor=said.get("factor", ""), at=at
    ),
    "duo-mobile": lambda app, actor, person, said, at: app.factors.enrol(
        actor, person, user=said.get("user", ""), factor=said.get("device", ""), at=at, kind=DUO_DEVICE
    ),
    "workload": _enrol_workload,
    "grant": _give,
    "revoke": lambda app, actor, person, said, at: app.people.revoke(actor, person, _role(said), at),
    "delegate": _delegate_unit,
    "end-delegation": lambda app, actor, person, said, at: app.people.end_delegation(
        actor, person, said.get("unit", ""), at
    ),
    "link": _link_account,
    "password": _set_password,
    "device": lambda app, actor, person, said, at: app.enrolment.device(actor, person, said.get("certificate", ""), at),
    "recovery-contact": lambda app, actor, person, said, at: name_contact(
        app.people, actor, person, app.roster.find(actor, said.get("contact", "").strip(), at).person.id, at
    ),
    "supervises": lambda app, actor, person, said, at: name_supervisor(
        app.people, actor, person, said.get("site", ""), at
    ),
    "confirm-key": lambda app, actor, person, said, at: app.people.confirm_credential(
        actor, person, said.get("credential", ""), said.get("fingerprint", ""), at
    ),
    "take-back": lambda app, actor, person, said, at: take_back_page(
        app.roster, actor, person, said.get("page", ""), at
    ),
    "ssh-key": lambda app, actor, person, said, at: app.approver_keys.ssh(actor, person, said.get("key", ""), at),
    "revoke-credential": lambda app, actor, person, said, at: app.people.revoke_credential(
        actor, person, said.get("credential", ""), said.get("why", ""), at
    ),
}


def take(app: App, actor: PersonId, person: PersonId, step: str, said: Said, at: datetime) -> None:
    """Take *step* as the form said it; raise `NotThere` for a step there is no form for."""
    if step not in _TAKEN:
        raise NotThere
    _TAKEN[step](app, actor, person, said, at)


def registered(app: App, actor: PersonId, said: Said, at: datetime) -> str:
    """Register the person the form describes; returns the login."""
    if said.get("kind") not in set(Kind):
        raise Invalid("There is no such kind of person.", "Pick one of the list.", where="kind")
    person = app.people.register(
        actor,
        login=said.get("login", ""),
        name=said.get("name", ""),
        kind=Kind(said["kind"]),
        unit=said.get("unit", "").strip(),
        at=at,
    )
    return app.names.said(person)[0]
