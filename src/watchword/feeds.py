"""The parts of `[watch]` in `watchword.toml`: where events come from, where verdicts go, where a case is owed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from watchword import forms
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.host import is_loopback


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Source(_Part):
    """What every source may say: whose log it is, how many seconds of silence are too many, and how much strange.

    *tenants* are those whose events it has, as the log itself names them; with none named, every tenant's are taken.
    """

    directory: str | None = None
    quiet_s: int | None = Field(default=None, ge=10)
    strange_share: float = Field(default=0.5, gt=0, le=1)
    tenants: tuple[Annotated[str, Field(min_length=1)], ...] = ()

    @property
    def quiet(self) -> timedelta | None:
        """How long it may be silent; None when that is learned."""
        return None if self.quiet_s is None else timedelta(seconds=self.quiet_s)

    @property
    def log_of(self) -> str:
        """The provider whose log it gives."""
        return str(getattr(self, "provider", ""))


class _Polled(_Source):
    """What every service that is asked may say: how often, how far back at first, and how much is read again."""

    every_s: int = Field(default=30, ge=1)
    backfill_days: int = Field(default=30, ge=0, le=365)
    overlap_s: int | None = Field(default=None, ge=0)
    ca_file: Path | None = None


class _Late(_Polled):
    """What a service may say whose changes may be days late: how far back they are read again once a day; 0: never."""

    late_days: int = Field(default=3, ge=0, le=29)


class TailSource(_Source):
    """A log file that grows."""

    kind: Literal["tail"]
    provider: str
    path: Path


class FolderSource(_Source):
    """A folder that whole files are put into."""

    kind: Literal["folder"]
    provider: str
    path: Path
    pattern: str = "*"


class OktaSource(_Polled):
    """Okta's System Log, with an API token in *token_file*."""

    kind: Literal["okta"]
    url: forms.Site
    token_file: Path

    @property
    def log_of(self) -> str:
        """See `_Source`."""
        return "okta"


class EntraSource(_Late):
    """Entra's audit and sign-in logs over Graph, as an application with a secret."""

    kind: Literal["entra"]
    tenant: forms.Tenant
    client_id: str = Field(min_length=1)
    client_secret_file: Path
    logs: tuple[Literal["directoryAudits", "signIns"], ...] = ("directoryAudits", "signIns")
    graph: forms.Site = "https://graph.microsoft.com"
    login: forms.Site = "https://login.microsoftonline.com"

    @property
    def log_of(self) -> str:
        """See `_Source`."""
        return "entra"


class GoogleSource(_Late):
    """Google's Reports API, through a service account that acts as the administrator *subject*."""

    kind: Literal["google"]
    key_file: Path
    subject: forms.Mail
    applications: tuple[str, ...] = ("admin", "login", "user_accounts", "token")
    api: forms.Site = "https://admin.googleapis.com"

    @property
    def log_of(self) -> str:
        """See `_Source`."""
        return "google"


class KeycloakSource(_Polled):
    """Keycloak's admin and user events, as a client of the realm with a secret."""

    kind: Literal["keycloak"]
    url: forms.Site
    realm: str = Field(min_length=1)
    client_id: str = Field(min_length=1)
    client_secret_file: Path

    @property
    def log_of(self) -> str:
        """See `_Source`."""
        return "keycloak"


class OktaHookSource(_Source):
    """An Okta event hook, taken at `/api/feeds/NAME`; *secret_file* has the value of its header Authorization."""

    kind: Literal["okta_hook"]
    secret_file: Path

    @property
    def log_of(self) -> str:
        """See `_Source`."""
        return "okta"


class WebhookSource(_Source):
    """A webhook signed with HMAC-SHA256, taken at `/api/feeds/NAME`."""

    kind: Literal["webhook"]
    provider: str
    secret_file: Path
    header: forms.Header = "x-signature"
    prefix: str = ""
    timestamp: forms.Header | None = None
    tolerance_s: int = Field(default=300, ge=1, le=3600)
    member: str | None = None


class _Signals(_Source):
    """A stream of one transmitter (Shared Signals): its keys in a file, or at *jwks_url*."""

    issuer: forms.Web
    audience: str = Field(min_length=1)
    jwks: Path | None = None
    jwks_url: forms.Site | None = None
    algorithms: tuple[Literal["RS256", "PS256", "ES256", "ES384", "EdDSA"], ...] = Field(
        ("RS256", "ES256"), min_length=1
    )
    ca_file: Path | None = None

    @property
    def log_of(self) -> str:
        """See `_Source`."""
        return "ssf"

    @model_validator(mode="after")
    def _keys(self) -> Self:
        if (self.jwks is None) == (self.jwks_url is None):
            raise ValueError("give jwks (a file) or jwks_url (an address), and not both")
        return self


class SsfPushSource(_Signals):
    """Security event tokens that are pushed to `/api/feeds/NAME`; *secret_file* has the agreed Authorization."""

    kind: Literal["ssf_push"]
    secret_file: Path | None = None


class SsfPollSource(_Signals):
    """Security event tokens that are asked for at *url*, with a bearer token in *token_file*."""

    kind: Literal["ssf_poll"]
    url: forms.Site
    token_file: Path | None = None
    every_s: int = Field(default=30, ge=1)


Source = Annotated[
    TailSource
    | FolderSource
    | OktaSource
    | EntraSource
    | GoogleSource
    | KeycloakSource
    | OktaHookSource
    | WebhookSource
    | SsfPushSource
    | SsfPollSource,
    Field(discriminator="kind"),
]


class CanaryPart(_Part):
    """A reset of a dummy *account* every *every_s* seconds; its event has to be seen within *within_s*.

    *account* is a login of *directory*, which the executor resets by itself: an account that nothing depends on.
    """

    directory: str
    account: str = Field(min_length=1)
    every_s: int = Field(default=3600, ge=60)
    within_s: int = Field(default=900, ge=5)


_OUTPUT_NEEDS = {
    "splunk": ("url", "token_file"),
    "elastic": ("url",),
    "webhook": ("url", "secret_file"),
    "syslog": ("host",),
    "signals-push": ("url", "key_file", "audience"),
    "signals-poll": ("token_file", "key_file", "audience"),
    "signals": ("token_file", "key_file", "audience"),
    "lines": ("path",),
    "parquet": ("path",),
}


class OutputPart(_Part):
    """Where findings and verdicts go: verdicts to look at and what clears them, or with *everything* each verdict.

    *format* is how syslog and lines look. Security events (`signals…`) are signed with *key_file*, a P-256 key, for
    *audience*; *issuers* says by what issuer each directory's users are known to the receiver. One of `signals` sets
    its stream up itself: *token_file* is what it is known by, *url* the one origin that events are pushed to.
    """

    kind: Literal[
        "splunk", "elastic", "webhook", "syslog", "signals-push", "signals-poll", "signals", "lines", "parquet"
    ]
    everything: bool = False
    url: forms.Page | None = None
    host: forms.Host | None = None
    port: int = Field(default=6514, ge=1, le=65535)
    ca_file: Path | None = None
    token_file: Path | None = None
    secret_file: Path | None = None
    path: Path | None = None
    format: Literal["ocsf", "ocsf-event", "ecs", "cef", "syslog", "jsonl"] | None = None
    key_file: Path | None = None
    audience: str | None = Field(default=None, min_length=1)
    issuers: dict[str, str] = {}

    @property
    def where(self) -> str:
        """Whom it goes to, for people."""
        return self.url or (f"{self.host}:{self.port}" if self.host else str(self.path or self.audience))

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if missing := [name for name in _OUTPUT_NEEDS[self.kind] if getattr(self, name) is None]:
            raise ValueError(f"{self.kind} needs {' and '.join(missing)}")
        parts = urlsplit(self.url or "")
        if parts.username is not None or parts.password is not None:
            raise ValueError("url holds a sign-in: put what the receiver knows us by into token_file")
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise ValueError("url is http, which sends token and findings in the clear: name an https address")
        return self


class EnforcePart(_Part):
    """A cell where a case is owed from *since* on, and a ticket is not enough; what is left out stands for every one.

    *until* is the way back: from then on the cell is observed again.
    """

    account_class: AccountClass | None = None
    action: Action | None = None
    unit: str | None = None
    since: datetime
    until: datetime | None = None

    @field_validator("since", "until", mode="before")
    @classmethod
    def _day(cls, given: object) -> object:
        """A day begins at midnight UTC, and a time without a zone is in UTC."""
        if isinstance(given, date) and not isinstance(given, datetime):
            return datetime.combine(given, time(), UTC)
        return given.replace(tzinfo=UTC) if isinstance(given, datetime) and given.tzinfo is None else given

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.until is not None and self.until <= self.since:
            raise ValueError("until is not after since")
        return self
