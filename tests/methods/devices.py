"""An organisation that gives certificates to its devices: an authority, devices, and lists of what it revoked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)


class DeviceCa:
    """One authority, in force from a day before *at* for a year."""

    def __init__(self, at: datetime, name: str = "Example device authority") -> None:
        self.at = at
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        self.certificate = (
            self._builder(self.name, self.key.public_key(), at - DAY, at + 365 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
            .add_extension(usage, True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False)
            .sign(self.key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        """The root."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def device(self, name: str, **how: Any) -> str:
        """A certificate for the device *name*, in PEM."""
        return self.device_and_key(name, **how)[0]

    def device_and_key(
        self,
        name: str,
        *,
        since: timedelta = -DAY,
        until: timedelta = 300 * DAY,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
        serial: int | None = None,
    ) -> tuple[str, str]:
        """The same, with its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = (
            self._builder(subject, key.public_key(), self.at + since, self.at + until, serial)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(f"{name}.devices.example.test")]), False)
            .add_extension(x509.ExtendedKeyUsage([usage]), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)
            .sign(self.key, hashes.SHA256())
        )
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return made.public_bytes(serialization.Encoding.PEM).decode(), secret.decode()

    def revoking(self, devices: Sequence[str], *, at: datetime | None = None, days: int = 30) -> bytes:
        """A list that revokes *devices*, in force from an hour before *at* for so many days."""
        at = (at or self.at) - timedelta(hours=1)
        crl = (
            x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(at).next_update(at + days * DAY)
        )
        for pem in devices:
            serial = x509.load_pem_x509_certificate(pem.encode()).serial_number
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
            crl = crl.add_revoked_certificate(one.build())
        return crl.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        since: datetime,
        until: datetime,
        serial: int | None = None,
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
        )
