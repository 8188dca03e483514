"""A known-good managed device: the client certificate it showed while the person's own page was open on it.

That the device holds the key, TLS has proven to whoever ended the connection; this checks whose certificate it is: one
that the organisation's own authority issued for clients, in its time, not revoked, and enrolled for this person.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Literal

import msgspec
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from watchword.core.errors import Invalid, Refused
from watchword.core.person import Credential
from watchword.languages.catalogue import words
from watchword.methods.port import Ask, Begun, Message, Proof, demand_same_method, not_enrolled, wrong_answer

_LONGEST = 16_384
"""Characters of a certificate in PEM; one with a large key and many names has about 4,000."""

_SECONDS = timedelta(seconds=1)


class DeviceMaterial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`Credential.public` of a device: who issued its certificate, to whom (RFC 4514), under which serial (hex)."""

    issuer: str
    subject: str
    serial: str


class DeviceAuthority:
    """Who issues certificates to managed devices: *authorities* is PEM, *revoked* one or more CRLs in PEM.

    Both are read at every check, so that a new list counts at once. With *revoked* a certificate whose issuer has no
    list in it that holds and is of now is refused: whether it was revoked is not known then.
    """

    def __init__(self, authorities: Path, revoked: Path | None = None) -> None:
        """Raise `Invalid` where a file can not be read as what it should be."""
        self._authorities = authorities
        self._revoked = revoked
        self._store()
        self._lists()

    def verify(self, certificate: x509.Certificate, at: datetime, *, revocation: bool = True) -> None:
        """Raise `Refused` unless *certificate* was issued to a client by this authority, and held at *at*."""
        store, between = self._store()
        try:
            chain = (
                PolicyBuilder().store(store).time(at).build_client_verifier().verify(certificate, list(between)).chain
            )
        except VerificationError as error:
            raise _no_device("It is not of this organisation, not for clients, or its time is over.") from error
        if self._revoked is not None and revocation:
            self._demand_not_revoked(certificate, chain[1] if len(chain) > 1 else certificate, at)

    def _demand_not_revoked(self, certificate: x509.Certificate, issuer: x509.Certificate, at: datetime) -> None:
        counting = False
        for crl in self._lists():
            if crl.issuer != issuer.subject or not crl.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
                continue
            if crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
                raise _no_device("It was revoked.")
            until = crl.next_update_utc
            counting |= crl.last_update_utc - _SECONDS <= at and (until is None or at < until)
        if not counting:
            raise Refused(
                "Whether this device was revoked can not be told: there is no list of now.",
                "Have the list of revoked certificates renewed; use another method meanwhile.",
                ("not_enrolled",),
            )

    def _store(self) -> tuple[Store, tuple[x509.Certificate, ...]]:
        """The roots, and what stands between them and a device."""
        try:
            known = x509.load_pem_x509_certificates(self._authorities.read_bytes())
        except (OSError, ValueError) as error:
            raise Invalid(
                f"{self._authorities} holds no certificates: {error}.",
                "Name a PEM file with the authority that issues certificates to managed devices.",
                where="devices.ca_file",
            ) from error
        roots = [c for c in known if c.subject == c.issuer]
        if not roots:
            raise Invalid(
                f"{self._authorities} holds no root.", "Add the self-signed root to it.", where="devices.ca_file"
            )
        return Store(roots), tuple(c for c in known if c not in roots)

    def _lists(self) -> tuple[x509.CertificateRevocationList, ...]:
        if self._revoked is None:
            return ()
        end = b"-----END X509 CRL-----"
        try:
            parts = [part + end for part in self._revoked.read_bytes().split(end) if part.strip()]
            return tuple(x509.load_pem_x509_crl(part.strip() + b"\n") for part in parts)
        except (OSError, ValueError) as error:
            raise Invalid(
                f"{self._revoked} holds no list of revoked certificates: {error}.",
                "Name a PEM file with the CRL of each authority that issues certificates to devices.",
                where="devices.revoked_file",
            ) from error


class ManagedDevice:
    """The certificate of the connection over which the person's own page is open; *answer* is that certificate, PEM.

    A certificate is no secret: an answer comes from whoever ended the TLS connection, and from nobody else.
    """

    name: ClassVar[str] = "managed_device"
    enforced: ClassVar[bool] = True
    voice: ClassVar[bool] = False
    enrolment: ClassVar[str | None] = "managed_device"
    contact: ClassVar[Literal["mail", "phone"] | None] = None
    life: ClassVar[timedelta] = timedelta(minutes=10)

    def __init__(self, authority: DeviceAuthority) -> None:
        self._authority = authority

    def enrol(self, pem: str, at: datetime) -> str:
        """`Credential.public` for a device's certificate; `Invalid` for no certificate, `Refused` for another's."""
        try:
            certificate = _parse(pem)
        except Refused as refused:
            raise Invalid("That is no certificate.", "Paste it as PEM, one alone.", where="certificate") from refused
        self._authority.verify(certificate, at)
        return msgspec.json.encode(_material(certificate)).decode()

    def begin(self, ask: Ask) -> Begun:
        """See `MethodPort.begin`."""
        _enrolled(ask)
        return Begun(
            expires=ask.at + self.life,
            show_caller=words(ask.language)(f"ask.{self.name}"),
            show_agent="The person opens their page on the computer the organisation manages for them.",
        )

    def message(self, ask: Ask) -> Message | None:
        """See `MethodPort.message`: nothing is sent."""
        del ask
        return None

    def check(self, ask: Ask, answer: str, at: datetime) -> Proof:
        """See `MethodPort.check`; another person's device is a wrong answer."""
        credential, enrolled = _enrolled(ask)
        ask.demand_open(self.life, at)
        certificate = _parse(answer)
        self._demand_own(certificate, enrolled)
        self._authority.verify(certificate, at)
        return Proof(method=self.name, detail={"credential": credential.id}, raw=answer)

    def recheck(self, ask: Ask, proof: Proof) -> None:
        """See `MethodPort.recheck`: the certificate is held against authority and enrolment as of the challenge.

        Whether it was revoked later says nothing of then.
        """
        demand_same_method(proof, self.name)
        credential, enrolled = _enrolled(ask)
        if proof.detail.get("credential") != credential.id:
            raise wrong_answer()
        certificate = _parse(proof.raw or "")
        self._demand_own(certificate, enrolled)
        self._authority.verify(certificate, ask.at, revocation=False)

    def _demand_own(self, certificate: x509.Certificate, enrolled: DeviceMaterial) -> None:
        given, own = (msgspec.json.encode(m) for m in (_material(certificate), enrolled))
        if not hmac.compare_digest(given, own):
            raise wrong_answer()


def _material(certificate: x509.Certificate) -> DeviceMaterial:
    return DeviceMaterial(
        issuer=certificate.issuer.rfc4514_string(),
        subject=certificate.subject.rfc4514_string(),
        serial=f"{certificate.serial_number:x}",
    )


def _enrolled(ask: Ask) -> tuple[Credential, DeviceMaterial]:
    if ask.credential is None or ask.credential.method != "managed_device":
        raise not_enrolled("managed device")
    try:
        return ask.credential, msgspec.json.decode(ask.credential.public, type=DeviceMaterial)
    except msgspec.MsgspecError as error:
        raise not_enrolled("managed device") from error


def _parse(pem: str) -> x509.Certificate:
    """One certificate in PEM; anything else is a wrong answer."""
    try:
        certificate, *others = x509.load_pem_x509_certificates(pem[:_LONGEST].encode("ascii"))
        certificate.subject.rfc4514_string()
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        raise wrong_answer() from error
    if others:
        raise wrong_answer()
    return certificate


def _no_device(why: str) -> Refused:
    return Refused(
        f"The device's certificate proves nothing. {why}",
        "Use another method the procedure names; have the device looked at.",
        ("wrong_answer",),
    )
