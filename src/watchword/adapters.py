"""The concrete parts that the settings name, made: directories, ways to prove oneself, senders, pagers, witnesses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from watchword.core.errors import Invalid
from watchword.core.passkey import RelyingParty
from watchword.core.prompt import DUO_DEVICE, FACTOR
from watchword.directories.active_directory import ActiveDirectory, ActiveDirectorySettings
from watchword.directories.ldap_session import Endpoint
from watchword.directories.openldap import OpenLdap, OpenLdapSettings
from watchword.directories.port import Listed, Lists
from watchword.directories.sandbox import Sandbox
from watchword.directory_parts import DirectoryPart, OpenLdapPart, SandboxPart
from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.cosignature import Quorum, WitnessKey
from watchword.ledger.cosigner import Cosigner
from watchword.ledger.keyfiles import read_private
from watchword.ledger.leader import Ledger
from watchword.ledger.outsiders import Outsiders
from watchword.ledger.timestamp import Authority, Stamper
from watchword.ledger.vault import KeyFile
from watchword.ledger.witness import Witness
from watchword.methods.call_code import CallCode
from watchword.methods.duo_mobile import LIFE as PUSHED
from watchword.methods.duo_mobile import Device, DuoMobile, demand_device
from watchword.methods.in_person import InPerson
from watchword.methods.mail_code import MailCode
from watchword.methods.managed_device import DeviceAuthority, ManagedDevice
from watchword.methods.okta_verify import Factor, OktaVerify, demand_factor
from watchword.methods.passkey import Passkey
from watchword.methods.port import MethodPort
from watchword.methods.proofing import Proofing
from watchword.methods.proofing_oidc import OidcProofing, OidcSettings
from watchword.methods.proofing_webhook import WebhookProofing
from watchword.methods.provider_push import ProviderPush
from watchword.methods.push_number import PushNumber
from watchword.methods.recovery_code import RecoveryCode
from watchword.methods.sms_code import SmsCode
from watchword.methods.token import Issuer, IssuerSettings
from watchword.methods.totp import Totp
from watchword.methods.video import Video
from watchword.methods.vouching import Vouching
from watchword.methods.workload import Workload
from watchword.notices.http_calls import CallGateway, GenericCalls, HttpTelephony, TwilioCalls
from watchword.notices.pager import MailPager, WebhookPager
from watchword.notices.port import Notifier, Pager
from watchword.notices.simulators import Outbox, SimulatedMailbox, SimulatedTelephony, SimulatedTexts
from watchword.notices.sms import TWILIO, Gateway, GenericGateway, HttpTexts, TwilioShaped
from watchword.notices.smtp import SmtpMail, SmtpSettings
from watchword.notices.telephony import Calls
from watchword.settings import CallPart, IssuerPart, OidcProofingPart, Settings, SmsPart, WebhookProofingPart

OUTBOX = "outbox.db"


def directory_of(
    part: DirectoryPart, home: Path, clock: Callable[[], datetime], *, executes: bool
) -> ActiveDirectory | OpenLdap | Sandbox:
    """The adapter that *part* is about, whose paths are relative to *home*; nobody is called yet.

    It is bound as the executor only where it *executes*, or where the settings have no reader. `Invalid` and `Refused`
    for a password file that is not there or that others can use.
    """
    if isinstance(part, SandboxPart):
        return Sandbox(home / part.path, clock=clock, name=part.name)
    user, password_file = part.bind_user, part.password_file
    if not executes and part.reader_user and part.reader_password_file:
        user, password_file = part.reader_user, part.reader_password_file
    read_private(home / password_file)  # refused now when others can use it, not at the first reset
    endpoint = Endpoint(
        host=part.host, port=part.port, ca_file=home / part.ca_file, bind_user=user, password_file=home / password_file
    )
    classes, statuses = tuple(part.classes.items()), tuple(part.statuses.items())
    if isinstance(part, OpenLdapPart):
        return OpenLdap(
            OpenLdapSettings(
                name=part.name,
                endpoint=endpoint,
                base=part.base,
                classes=classes,
                statuses=statuses,
                shared=part.shared,
            )
        )
    return ActiveDirectory(
        ActiveDirectorySettings(
            name=part.name, endpoint=endpoint, base=part.base, classes=classes, statuses=statuses, shared=part.shared
        )
    )


def listed_in(settings: Settings, name: str, clock: Callable[[], datetime]) -> tuple[Listed, ...]:
    """Everybody in the directory *name*, read as the reader where the settings have one.

    `Invalid` when there is no such directory or it can not be read as a whole; errors as the directory's.
    """
    part = next((one for one in settings.directories if one.name == name), None)
    directory = directory_of(part, settings.home, clock, executes=False) if part else None
    if not isinstance(directory, Lists):
        listing = ", ".join(one.name for one in settings.directories if not isinstance(one, SandboxPart)) or "none"
        raise Invalid(
            f"There is no directory {name!r} to read.", f"Of the settings can be read: {listing}.", "--directory"
        )
    return directory.listed()


class Ways(NamedTuple):
    """Every way to prove oneself, and those that are asked for by more than their names."""

    every: tuple[MethodPort, ...]
    passkey: Passkey
    totp: Totp
    saved: RecoveryCode
    device: ManagedDevice | None
    """Of managed devices, where there is an authority that issues their certificates."""
    issuers: dict[str, Issuer]
    posts: dict[str, WebhookProofing]
    """Those providers that post their results, by their names."""


def ways_of(settings: Settings, keys: KeyFile, party: RelyingParty) -> Ways:
    """The ways that *settings* know; codes and prompts are bound to *keys*, passkeys to *party*."""
    codes, issuers = keys.derive("codes"), {part.issuer: _issuer(settings, part) for part in settings.issuers}
    passkey, totp, saved, device = Passkey(party), Totp(), RecoveryCode(), _device(settings)
    proofings = tuple(_proofing(settings, part, keys) for part in settings.proofing)
    every: tuple[MethodPort, ...] = (
        passkey,
        Passkey(party, name="owner_passkey"),
        Passkey(party, name="custodian_passkey"),
        totp,
        MailCode(codes),
        CallCode(codes),
        SmsCode(codes),
        saved,
        Vouching(party, "manager_of_record"),
        Vouching(party, "recovery_contact"),
        Vouching(party, "kiosk"),
        InPerson(),
        Video(),
        *((device,) if device else ()),
        PushNumber(keys.derive("prompts")),
        Workload(issuers),
        *proofings,
        *_provider_pushes(settings, keys.derive("provider-prompts")),
    )
    posts = {one.provider.name: one.provider for one in proofings if isinstance(one.provider, WebhookProofing)}
    return Ways(every=every, passkey=passkey, totp=totp, saved=saved, device=device, issuers=issuers, posts=posts)


def _proofing(settings: Settings, part: OidcProofingPart | WebhookProofingPart, keys: KeyFile) -> Proofing:
    """The method of a provider that proves people again."""
    if isinstance(part, WebhookProofingPart):
        secret = _secret(settings, part.secret_file).encode()
        return Proofing(part.method, WebhookProofing(part.name, part.start, secret))
    client = OidcSettings(
        client_id=part.client_id,
        client_secret=_secret(settings, part.client_secret_file),
        redirect=f"{settings.console.public_url.rstrip('/')}/api/proofing/return",
        frameworks=part.trust_frameworks,
    )
    return Proofing(part.method, OidcProofing(_issuer(settings, part), client, keys.derive("proofing")))


def _provider_pushes(settings: Settings, key: bytes) -> tuple[ProviderPush, ...]:
    """Prompts by Okta Verify and Duo Mobile, where they are configured."""
    found = []
    if okta := settings.okta_verify:
        verify = OktaVerify(okta.url, _secret(settings, okta.token_file))
        found.append(ProviderPush("okta_push", "Okta Verify", verify, key))
    if duo := settings.duo:
        mobile = DuoMobile(duo.url, duo.integration_key, _secret(settings, duo.secret_file))
        found.append(
            ProviderPush("duo_push", "Duo Mobile", mobile, key, enrolment=DUO_DEVICE, deed="type", life=PUSHED)
        )
    return tuple(found)


def _okta_target(user: str, factor: str) -> bytes:
    """What is kept of an enrolment of Okta Verify, and what `OktaVerify` reads."""
    return msgspec.json.encode(demand_factor(Factor(user=user, factor=factor)))


def _duo_target(user: str, device: str) -> bytes:
    """What is kept of an enrolment of Duo Mobile, and what `DuoMobile` reads."""
    return msgspec.json.encode(demand_device(Device(user=user, device=device)))


TARGETS = {FACTOR: _okta_target, DUO_DEVICE: _duo_target}
"""What is kept of an enrolment at a provider, by its kind, from the user and the factor or device."""


def _issuer(settings: Settings, part: IssuerPart | OidcProofingPart) -> Issuer:
    jwks = settings.path(part.jwks) if part.jwks else None
    return Issuer(IssuerSettings(issuer=part.issuer, algorithms=part.algorithms, jwks=jwks))


def _device(settings: Settings) -> ManagedDevice | None:
    part = settings.devices
    if part.ca_file is None:
        return None
    revoked = settings.path(part.revoked_file) if part.revoked_file else None
    return ManagedDevice(DeviceAuthority(settings.path(part.ca_file), revoked))


def outbox_of(settings: Settings) -> Outbox | None:
    """Where simulated senders keep what they send, if any sender is one."""
    simulates = "simulated" in (settings.mail.kind, settings.call.kind, settings.sms.kind)
    return Outbox(settings.path(Path(OUTBOX))) if simulates else None


def notifiers_of(settings: Settings, outbox: Outbox | None) -> dict[str, Notifier]:
    """What can be sent, by channel."""
    found: dict[str, Notifier] = {}
    mail, call, sms = settings.mail, settings.call, settings.sms
    if mail.kind == "smtp":
        secret = _secret(settings, mail.password_file) if mail.password_file else None
        found["mail"] = SmtpMail(
            SmtpSettings(
                host=mail.host,
                port=mail.port,
                sender=mail.sender,
                tls=mail.tls,
                ca_file=mail.ca_file,
                username=mail.username,
                password=secret,
            )
        )
    elif outbox is not None and mail.kind == "simulated":
        found["mail"] = SimulatedMailbox(outbox)
    if outbox is not None and call.kind == "simulated":
        found["call"] = Calls(SimulatedTelephony(outbox))
    elif call.token_file is not None and call.kind != "none":
        found["call"] = Calls(HttpTelephony(_call_gateway(call, _secret(settings, call.token_file))))
    if outbox is not None and sms.kind == "simulated":
        found["sms"] = SimulatedTexts(outbox)
    elif sms.token_file is not None and sms.kind != "none":
        found["sms"] = HttpTexts(_gateway(sms, _secret(settings, sms.token_file)))
    return found


def _gateway(part: SmsPart, token: str) -> Gateway:
    if part.kind == "twilio":
        assert part.account is not None
        assert part.sender is not None
        return TwilioShaped(account=part.account, token=token, sender=part.sender, base=part.url or TWILIO)
    assert part.url is not None
    return GenericGateway(url=part.url, token=token)


def _call_gateway(part: CallPart, token: str) -> CallGateway:
    if part.kind == "twilio":
        assert part.account is not None
        assert part.sender is not None
        return TwilioCalls(account=part.account, token=token, sender=part.sender, base=part.url or TWILIO)
    assert part.url is not None
    return GenericCalls(url=part.url, token=token)


def pagers_of(settings: Settings, mail: Notifier | None) -> tuple[Pager, ...]:
    """Whom security is paged by. `Invalid` where that is to be by *mail* and there is none."""
    security = settings.security
    if security.mail and mail is None:
        raise Invalid(
            "Security is to be paged by mail, and no mail is configured.",
            "Configure [mail] in watchword.toml, or page a webhook.",
            where="security.mail",
        )
    by_mail = (MailPager(mail, security.mail),) if security.mail and mail else ()
    return (*by_mail, *((WebhookPager(security.webhook),) if security.webhook else ()))


def outsiders_of(settings: Settings, ledger: Ledger, signing_key: SigningKey) -> Outsiders:
    """Who vouches for *ledger*."""
    part = settings.ledger
    cosigner = stamper = None
    if part.witnesses:
        witnesses = tuple(Witness(WitnessKey.parse(each.vkey), each.url) for each in part.witnesses)
        quorum = Quorum(tuple(w.key for w in witnesses), part.quorum or len(witnesses) // 2 + 1)
        cosigner = Cosigner(ledger, signing_key.verifier, witnesses, quorum, settings.path(part.witnessed))
    if part.authorities:
        authorities = tuple(
            Authority(name=each.name, url=each.url, roots=settings.path(each.roots)) for each in part.authorities
        )
        stamper = Stamper(ledger, authorities, timedelta(seconds=part.stamp_every_s))
    return Outsiders(ledger, cosigner, stamper)


def _secret(settings: Settings, file: Path) -> str:
    """A password from a file that nobody else can use; `Invalid` with the remedy otherwise."""
    return read_private(settings.path(file)).decode().strip()
