"""`watchword.toml`: where things are. Every mistake is told at once, with its path; unknown keys are mistakes.

Secrets stand in files of their own (`…_file`), never here and never in the environment.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from watchword import forms
from watchword.core.errors import Invalid
from watchword.core.host import is_loopback
from watchword.directory_parts import DirectoryPart
from watchword.feeds import CanaryPart, EnforcePart, OutputPart, Source, TailSource
from watchword.metrics_part import MetricsPart
from watchword.mistakes import listed, mistakes_in


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WitnessPart(_Part):
    """Who cosigns checkpoints: its verifier key, and the address it takes them at (C2SP tlog-witness)."""

    vkey: str
    url: forms.Web


class AuthorityPart(_Part):
    """Who stamps checkpoints with the time (RFC 3161); *roots* are the PEM certificates it is trusted through."""

    name: forms.Name
    url: forms.Web
    roots: Path


class LedgerPart(_Part):
    """The evidence: a database, the ledger's name, its key files, how long payloads are kept, who vouches for it.

    With *archive_key* (an age recipient) what is erased goes into *archive* first, for whoever has the offline key.
    *quorum* of the *witnesses* have to cosign where a procedure asks for it (more than half, when it is not said);
    *witnessed* keeps what they saw, apart from the database. Checkpoints are stamped every *stamp_every_s* seconds.
    With *public_entries* anybody may read the entries, which are pseudonymous.
    """

    url: forms.Database = "sqlite:///ledger.db"
    origin: forms.Origin
    signing_key: Path = Path("keys/signing.key")
    key_file: Path = Path("keys/payload.keys")
    public_entries: bool = False
    short_days: int = Field(default=90, ge=30, le=90)
    archive_key: forms.AgeKey | None = None
    archive: Path = Path("archive")
    witnesses: tuple[WitnessPart, ...] = ()
    quorum: int | None = Field(default=None, ge=1)
    witnessed: Path = Path("keys/witnessed")
    authorities: tuple[AuthorityPart, ...] = ()
    stamp_every_s: int = Field(default=3600, ge=60)

    @model_validator(mode="after")
    def _sound_outsiders(self) -> Self:
        if self.quorum is not None and self.quorum > len(self.witnesses):
            raise ValueError(f"quorum asks for {self.quorum} of {len(self.witnesses)} witnesses")
        names = [part.name for part in self.authorities]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two time authorities have the name {', '.join(twice)}")
        return self


_SHORTEST_NUMBER = 3
"""Digits of the shortest number that anybody is called from: one within an office."""


class ConsolePart(_Part):
    """Where the console listens, and the address people reach it by (passkeys are bound to it).

    One of *proxies*, addresses or networks, says in `X-Forwarded-For` whom a request comes from; nobody else does.
    An address in *shared_networks*, and each of *shared_numbers*, is one that many people have: two who come from there
    are no campaign. *language* is what people are written to in whose own language no directory says. With
    *self_service* people recover alone, on the public page `/recover`, what asks for nobody else. *country* is the
    calling code that a caller's number has which is written without one, such as 49.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8787, ge=1, le=65535)
    public_url: str = "http://localhost:8787"
    rp_id: str = "localhost"
    language: Literal["en", "de", "fr", "es"] = "en"
    self_service: bool = False
    country: forms.Country = ""
    proxies: tuple[str, ...] = ("127.0.0.1",)
    shared_networks: tuple[str, ...] = (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
    shared_numbers: tuple[str, ...] = ()

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The shared networks, read."""
        return tuple(ip_network(one) for one in self.shared_networks)

    @field_validator("shared_networks", "proxies")
    @classmethod
    def _networks(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for one in given:
            ip_network(one)  # a ValueError names it
        return given

    @field_validator("shared_numbers")
    @classmethod
    def _numbers(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if wordy := [one for one in given if sum(c.isdecimal() for c in one) < _SHORTEST_NUMBER]:
            raise ValueError(f"shared_numbers has {wordy[0]!r}, which is no number such as +49 30 5550100")
        return given

    @field_validator("proxies")
    @classmethod
    def _few_proxies(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if everybody := [one for one in given if ip_network(one).prefixlen == 0]:
            raise ValueError(f"proxies has {everybody[0]}: anybody could then say where they come from; name the proxy")
        return given

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        url = urlsplit(self.public_url)
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ValueError("public_url is not an address such as https://desk.example.test")
        if url.scheme == "http" and not is_loopback(url.hostname):
            raise ValueError(
                "public_url is http, which sends passwords and sessions in the clear: name an https address, and put a "
                "proxy with TLS before the console"
            )
        if url.hostname != self.rp_id and not url.hostname.endswith(f".{self.rp_id}"):
            raise ValueError(f"rp_id must be {url.hostname} or a domain above it, or no passkey works")
        return self


class ApprovalsPart(_Part):
    """Where approvers sign, when that is not the console: the *origin* of the page, and the domain of its passkeys.

    With *port* `watchword serve` serves the page itself there, on *host*; without it some other host has the files that
    `watchword approvals page` writes. Without *origin* the page is the console's own, under `/approve/`.
    """

    origin: str | None = None
    rp_id: str | None = None
    host: str = "127.0.0.1"
    port: int | None = Field(default=None, ge=1, le=65535)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.origin is None:
            if self.rp_id is not None or self.port is not None:
                raise ValueError("rp_id and port are for a page with an origin of its own: give origin as well")
            return self
        url = urlsplit(self.origin)
        if url.scheme not in {"http", "https"} or not url.hostname or self.origin != f"{url.scheme}://{url.netloc}":
            raise ValueError("origin is not one such as https://approve.example.test, without a path")
        domain = self.rp_id or url.hostname
        if url.hostname != domain and not url.hostname.endswith(f".{domain}"):
            raise ValueError(f"rp_id must be {url.hostname} or a domain above it, or no passkey works")
        return self


class MailPart(_Part):
    """Where mail goes out; `simulated` keeps it in an outbox that only the demo reads."""

    kind: Literal["smtp", "simulated", "none"] = "none"
    host: str = "localhost"
    port: int = 587
    sender: str = "service-desk@example.test"
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    ca_file: str | None = None
    username: str | None = None
    password_file: Path | None = None


class _Provider(_Part):
    """`twilio` (account, token and sender), or `http` (a JSON POST with a bearer token).

    *token_file* holds the provider's token. Off this machine *url* is https.
    """

    kind: Literal["simulated", "twilio", "http", "none"] = "none"
    url: str | None = None
    account: str | None = None
    sender: str | None = None
    token_file: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        needed = {"twilio": ("account", "sender", "token_file"), "http": ("url", "token_file")}.get(self.kind, ())
        if missing := [name for name in needed if getattr(self, name) is None]:
            raise ValueError(f"{self.kind} needs {', '.join(missing)}")
        return self


class CallPart(_Provider):
    """How automated calls go out."""


class SmsPart(_Provider):
    """How text messages go out."""


class DevicesPart(_Part):
    """Managed devices: *ca_file* issues their certificates, *revoked_file* lists (CRL, PEM) those that count no longer.

    A proxy that ends TLS and asks for a client certificate hands it on in *header*; it is taken from *proxies* alone
    (addresses or networks, of the socket's other end). Without *ca_file* no device proves anybody.
    """

    ca_file: Path | None = None
    revoked_file: Path | None = None
    header: forms.LowerHeader = "x-client-cert"
    proxies: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _networks(self) -> Self:
        for one in self.proxies:
            try:
                ip_network(one)
            except ValueError as error:
                raise ValueError(f"proxies: {error}") from error
        if (self.ca_file is None) != (not self.proxies):
            raise ValueError("ca_file and proxies are given together, or neither is")
        return self


class IssuerPart(_Part):
    """An OpenID provider whose tokens are believed: its exact name, what it signs with, its keys in a file or there.

    Without *jwks* the keys are found by OpenID Connect Discovery, over https.
    """

    issuer: forms.Site
    algorithms: tuple[Literal["RS256", "PS256", "ES256", "ES384"], ...] = Field(("RS256", "ES256"), min_length=1)
    jwks: Path | None = None


class SecurityPart(_Part):
    """Whom to page of emergencies: an address that mail goes to, a webhook that takes JSON, or both."""

    mail: forms.Mail | None = None
    webhook: forms.Web | None = None


class OidcProofingPart(_Part):
    """A provider that proves people again over OpenID Connect for Identity Assurance, for one *method*.

    What it says counts under one of *trust_frameworks*. Its keys are found by discovery, or in *jwks*.
    """

    kind: Literal["oidc"]
    method: Literal["id_proofing", "verifiable_credential"]
    issuer: forms.Site
    algorithms: tuple[Literal["RS256", "PS256", "ES256", "ES384"], ...] = Field(("RS256", "ES256"), min_length=1)
    jwks: Path | None = None
    client_id: str = Field(min_length=1)
    client_secret_file: Path
    trust_frameworks: tuple[str, ...] = Field(min_length=1)


class WebhookProofingPart(_Part):
    """A provider called *name* that people are sent to at *start*, and that posts its results, for one *method*."""

    kind: Literal["webhook"]
    method: Literal["id_proofing", "verifiable_credential"]
    name: forms.Name
    start: forms.Page
    secret_file: Path


ProofingPart = Annotated[OidcProofingPart | WebhookProofingPart, Field(discriminator="kind")]


class OktaVerifyPart(_Part):
    """Prompts by Okta Verify: the organisation's own *url*, and *token_file* with an API token (SSWS) of it."""

    url: forms.Site
    token_file: Path


class DuoPart(_Part):
    """Prompts by Duo Mobile: the API address, and the keys of an Auth API application there."""

    url: forms.Site
    integration_key: str
    secret_file: Path


class WebPushPart(_Part):
    """Browsers for prompts are woken: whom a push service may write to, and which services are trusted."""

    contact: forms.Contact
    services: tuple[forms.Service, ...] = (
        *("fcm.googleapis.com", "updates.push.services.mozilla.com"),
        *("*.notify.windows.com", "web.push.apple.com"),
    )


class WatchPart(_Part):
    """The directories' own logs: each of *sources* by its name, and one file as *provider*, *log* and *directory*.

    The console follows them, or with *apart* `watchword watch follow` does.
    *state* is what is remembered, *spools* what came; verdicts go to *outputs*. In the cells of *enforce* a case is
    owed. *accounts* and *tickets* are CSV exports, *signals* and *sigma* folders; *thresholds* tunes signals.
    A compressed file may unpack to *unpack_mib*, or to *unpack_ratio* times its size where that is more.
    """

    provider: str | None = None
    log: Path | None = None
    directory: str | None = None
    state: Path = Path("watch")
    spools: Path = Path("spools")
    apart: bool = False
    sources: dict[forms.SourceName, Source] = {}
    canary: CanaryPart | None = None
    outputs: dict[forms.OutputName, OutputPart] = {}
    enforce: tuple[EnforcePart, ...] = ()
    accounts: Path | None = None
    tickets: Path | None = None
    signals: Path | None = None
    thresholds: dict[str, dict[str, int | float | str | list[str] | dict[str, object]]] = {}
    sigma: Path | None = None
    unpack_mib: int = Field(default=1024, ge=1)
    unpack_ratio: int = Field(default=200, ge=1)

    @property
    def feeds(self) -> dict[str, Source]:
        """Every source by its name, the one log file among them as `log`."""
        if self.provider is None or self.log is None:
            return self.sources
        log = TailSource(kind="tail", provider=self.provider, path=self.log, directory=self.directory)
        return {"log": log, **self.sources}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.provider is None) != (self.log is None):
            raise ValueError("provider and log are given together, or neither is")
        if self.log is not None and "log" in self.sources:
            raise ValueError("the source of [watch] itself is called log: give the other one another name")
        return self


class Settings(_Part):
    """The whole file; relative paths are relative to it."""

    ledger: LedgerPart
    console: ConsolePart = ConsolePart()
    approvals: ApprovalsPart = ApprovalsPart()
    policy: Path | None = None
    directories: tuple[DirectoryPart, ...] = ()
    mail: MailPart = MailPart()
    call: CallPart = CallPart()
    sms: SmsPart = SmsPart()
    devices: DevicesPart = DevicesPart()
    security: SecurityPart = SecurityPart()
    watch: WatchPart = WatchPart()
    issuers: tuple[IssuerPart, ...] = ()
    proofing: tuple[ProofingPart, ...] = ()
    okta_verify: OktaVerifyPart | None = None
    duo: DuoPart | None = None
    web_push: WebPushPart | None = None
    metrics: MetricsPart | None = None
    home: Path = Path()

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        names = [part.name for part in self.directories]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two directories have the name {', '.join(twice)}")
        trusted = [part.issuer for part in self.issuers]
        if twice := sorted({name for name in trusted if trusted.count(name) > 1}):
            raise ValueError(f"two issuers have the name {', '.join(twice)}")
        methods = [part.method for part in self.proofing]
        if twice := sorted({name for name in methods if methods.count(name) > 1}):
            raise ValueError(f"two providers stand behind {', '.join(twice)}")
        if self.metrics is not None:
            self.metrics.demand_token(self.console.public_url)
        if self.watch.directory is not None and self.watch.directory not in names:
            raise ValueError(f"watch.directory: no directory has the name {self.watch.directory}")
        if self.watch.canary is not None and self.watch.canary.directory not in names:
            raise ValueError(f"watch.canary: no directory has the name {self.watch.canary.directory}")
        return self

    def path(self, relative: Path) -> Path:
        """*relative* to where the file is."""
        return self.home / relative

    @property
    def approvals_origin(self) -> str:
        """The origin of the page on which approvers sign."""
        return self.approvals.origin or self.console.public_url.rstrip("/")

    @property
    def approvals_rp_id(self) -> str:
        """The domain that approvers' passkeys are made for."""
        if self.approvals.origin is None:
            return self.console.rp_id
        return self.approvals.rp_id or urlsplit(self.approvals.origin).hostname or ""

    @property
    def database(self) -> str:
        """The ledger's URL, with a relative SQLite path made absolute."""
        prefix = "sqlite:///"
        if self.ledger.url.startswith(prefix) and not self.ledger.url.startswith(prefix + "/"):
            return prefix + str((self.home / self.ledger.url.removeprefix(prefix)).resolve())
        return self.ledger.url


def load(file: Path) -> Settings:
    """Read *file*; raise `Invalid` naming every mistake with its path, or how to make the file."""
    if not file.is_file():
        raise Invalid(f"There is no {file}.", "Make one with `watchword init`, or name it with --config.", "config")
    written: dict[str, object] = {}
    try:
        written = tomllib.loads(file.read_text(encoding="utf-8")) | {"home": file.parent.resolve()}
        return Settings.model_validate(written)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"The file is not TOML: {error}.", "Correct it there.", where=str(file)) from error
    except UnicodeDecodeError as error:
        raise Invalid("The file is not UTF-8 text.", "Save it as UTF-8.", where=str(file)) from error
    except OSError as error:
        raise Invalid(f"The file can not be read: {error.strerror}.", "Check its owner.", where=str(file)) from error
    except ValidationError as error:
        raise Invalid(
            listed(mistakes_in(error, Settings, written)),
            "Correct them; docs/operations.md lists every setting.",
            str(file),
        ) from error


EXAMPLE = resources.files("watchword").joinpath("example.toml").read_text(encoding="utf-8")
"""What `watchword init` writes, with `{origin}`, `{url}` and `{port}` to be filled in."""
