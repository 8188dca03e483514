"""One conversation with an LDAP server over TLS, in the errors of this house."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ldap3
import msgspec
from ldap3.core.exceptions import LDAPException, LDAPInvalidDnError
from ldap3.operation.search import search_operation
from ldap3.protocol.rfc2696 import paged_search_control

from watchword.core.errors import Invalid, Unavailable
from watchword.directories.ldap_filter import Filter

SUCCESS = 0
CONSTRAINT_VIOLATION = 19
NO_SUCH_OBJECT = 32
INVALID_CREDENTIALS = 49
INSUFFICIENT_ACCESS_RIGHTS = 50
UNWILLING_TO_PERFORM = 53
_PASSING = frozenset({1, 3, 11, 51, 52, 80})
"""operationsError, timeLimitExceeded, adminLimitExceeded, busy, unavailable, other (RFC 4511 §4.1.9)."""

_PAGED = "1.2.840.113556.1.4.319"
_PAGE = 500
_ANYTHING = Filter.present("objectClass")
_LOGON_ERRORS = {
    "525": "there is no such account",
    "52e": "the password is wrong",
    "530": "it may not sign in at this time",
    "531": "it may not sign in from here",
    "532": "its password has expired",
    "533": "it is disabled",
    "701": "it has expired",
    "773": "its password must be changed first",
    "775": "it is locked out",
}
"""What `data …` in a controller's answer to a bind means: Windows logon errors, hexadecimal."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where an LDAP server answers and as whom to speak to it; there is no way to speak in the clear.

    *ca_file* (PEM) holds the only authorities whose certificate for *host* is believed. *bind_user* is a DN, a user
    principal name or a login; its password is the content of *password_file*, read anew for each conversation.
    """

    host: str
    ca_file: Path
    bind_user: str
    password_file: Path
    port: int = 636
    connect_timeout_s: float = 5
    answer_timeout_s: float = 15


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a search; *attributes* holds the raw values by lower-case name, absent ones are not in it."""

    dn: str
    attributes: Mapping[str, tuple[bytes, ...]]

    def values(self, name: str) -> tuple[bytes, ...]:
        """Return every raw value."""
        return self.attributes.get(name.lower(), ())

    def raw(self, name: str) -> bytes:
        """Return the first raw value, empty when there is none."""
        return next(iter(self.values(name)), b"")

    def text(self, name: str) -> str | None:
        """Return the first value as text, None when there is none."""
        return self.raw(name).decode("utf-8", "replace") or None

    def number(self, name: str) -> int:
        """Return the first value as a number, 0 when there is none."""
        return int(self.raw(name) or 0)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the server said to a modification: its result *code* (RFC 4511), its *name*, and its own *detail* number.

    Its free text is left out: it may name a person.
    """

    code: int
    name: str
    detail: str


class Session:
    """One bound connection; made by `connect`."""

    def __init__(self, connection: ldap3.Connection, name: str) -> None:
        self._connection = connection
        self._name = name

    @property
    def socket(self) -> str:
        """Our end of the connection as `address:port`: the server's log names it as the remote address."""
        address, port, *_ = self._connection.socket.getsockname()
        return f"{address}:{port}"

    @property
    def protection(self) -> str:
        """The version of TLS in use."""
        return str(self._connection.socket.version())

    def entry(self, dn: str, attributes: tuple[str, ...]) -> Entry | None:
        """Return the entry at *dn* (`<GUID=…>` is one too), or None; the empty name is the server's own."""
        self._search(dn, _ANYTHING, attributes, ldap3.BASE)
        self._expect(SUCCESS, NO_SUCH_OBJECT)
        return next(iter(self._entries()), None)

    def search(self, base: str, where: Filter, attributes: tuple[str, ...]) -> tuple[Entry, ...]:
        """Return every entry under *base* that matches, however many pages they take."""
        found: list[Entry] = []
        cookie: bytes | None = None
        while cookie != b"":
            page = paged_search_control(criticality=True, size=_PAGE, cookie=cookie)
            self._search(base, where, attributes, ldap3.SUBTREE, [page])
            self._expect(SUCCESS)
            found += self._entries()
            cookie = self._connection.result["controls"][_PAGED]["value"]["cookie"]
        return tuple(found)

    def some(self, base: str, where: Filter, attributes: tuple[str, ...], *, most: int) -> tuple[Entry, ...]:
        """Return at most *most* of the entries under *base* that match, whichever the server gives first."""
        page = paged_search_control(criticality=True, size=most, cookie=None)
        self._search(base, where, attributes, ldap3.SUBTREE, [page])
        self._expect(SUCCESS)
        return tuple(self._entries())

    def replace(self, dn: str, values: Mapping[str, str | bytes | None]) -> Answer:
        """Replace the value of each attribute (None: take it off), all in one modification.

        `Unavailable` when no clear answer came.
        """
        changes = {
            attribute: [(ldap3.MODIFY_REPLACE, [] if value is None else [value])] for attribute, value in values.items()
        }
        with _lost(self._name):
            self._connection.modify(dn, changes)
        return self._answer()

    def set_password(self, dn: str, secret: str) -> Answer:
        """Set somebody's password by the extended operation of RFC 3062; `Unavailable` when no clear answer came."""
        with _lost(self._name):
            self._connection.extend.standard.modify_password(
                # bytes go as they are; ldap3 would send text in Latin-1, and prepare the secret in its own way
                user=dn.encode(),
                new_password=secret.encode(),
            )
        return self._answer()

    def who(self) -> str:
        """The DN the server has us as (RFC 4532); `Unavailable` when it does not say."""
        with _lost(self._name):
            said = self._connection.extend.standard.who_am_i()
        if not isinstance(said, str) or not said.startswith("dn:"):
            raise _no_answer(self._name, "it does not say as whom we are bound")
        return said.removeprefix("dn:")

    def _answer(self) -> Answer:
        result = self._connection.result
        if result["result"] in _PASSING:
            raise _no_answer(self._name, result["description"])
        detail = re.match(r"[0-9A-Fa-f]{8}(?=:)", result["message"] or "")
        return Answer(code=result["result"], name=result["description"], detail=detail[0] if detail else "")

    def _search(
        self, base: str, where: Filter, attributes: tuple[str, ...], scope: str, controls: list[Any] | None = None
    ) -> None:
        anything = "(objectClass=*)"  # ldap3 wants a text here; the real filter takes its place
        request = search_operation(
            base, anything, scope, ldap3.DEREF_NEVER, list(attributes), 0, 0, types_only=False, auto_escape=False,
            auto_encode=False,
        )  # fmt: skip
        request["filter"] = where.asn1
        with _lost(self._name):
            self._connection.post_send_search(self._connection.send("searchRequest", request, controls))

    def _expect(self, *codes: int) -> None:
        result = self._connection.result
        if result["result"] not in codes:
            raise _no_answer(self._name, result["description"])

    def _entries(self) -> list[Entry]:
        return [
            Entry(
                dn=found["dn"],
                attributes={name.lower(): tuple(values) for name, values in found["raw_attributes"].items() if values},
            )
            for found in self._connection.response or ()
            if found["type"] == "searchResEntry"
        ]


@contextmanager
def connect(endpoint: Endpoint, name: str) -> Iterator[Session]:
    """Open a conversation with the directory called *name* and end it with the block.

    `Unavailable` when nobody answers, or when the certificate is not one that *ca_file* vouches for; `Invalid` when
    the account or a file of ours is wrong.
    """
    tls = _Verified(endpoint)
    server = ldap3.Server(
        endpoint.host,
        endpoint.port,
        use_ssl=True,
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=endpoint.connect_timeout_s,
    )
    connection = ldap3.Connection(
        server,
        user=endpoint.bind_user,
        password=_password(endpoint.password_file),
        authentication=ldap3.SIMPLE,
        receive_timeout=endpoint.answer_timeout_s,
        auto_referrals=False,  # a referral would take the bind password to a host nobody configured
        check_names=False,
    )
    try:
        _bind(connection, endpoint, tls, name)
        yield Session(connection, name)
    finally:
        with suppress(LDAPException, OSError):  # a broken conversation has nothing left to end
            connection.unbind()


class _Verified(ldap3.Tls):  # type: ignore[misc]
    """TLS 1.2 or later, with the certificate and its name checked by OpenSSL itself, from one file of authorities.

    ldap3's own check of the name uses a function that Python has deprecated.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._host = endpoint.host
        self.distrust: str | None = None
        try:
            self._context = ssl.create_default_context(cafile=str(endpoint.ca_file))
        except (OSError, ssl.SSLError) as error:
            raise Invalid(
                "The file of certificate authorities can not be used.",
                "Give a PEM file with the authority that issued the directory's certificate.",
                str(endpoint.ca_file),
            ) from error
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2

    def wrap_socket(self, connection: ldap3.Connection, do_handshake: bool = False) -> None:  # noqa: ARG002
        try:
            connection.socket = self._context.wrap_socket(connection.socket, server_hostname=self._host)
        except ssl.SSLCertVerificationError as error:
            self.distrust = error.verify_message
            raise


def _bind(connection: ldap3.Connection, endpoint: Endpoint, tls: _Verified, name: str) -> None:
    try:
        bound = connection.bind()
    except LDAPException as error:
        if tls.distrust:
            raise Unavailable(
                f"{name}: the certificate of {endpoint.host} is not trusted ({tls.distrust}).",
                f"See that {endpoint.ca_file} holds the authority that issued it, and that it names {endpoint.host};"
                " if both are so, somebody may be in between.",
            ) from error
        raise Unavailable(
            f"{name}: no LDAPS answer from {endpoint.host}:{endpoint.port} ({type(error).__name__}).",
            "See that the controller runs and can be reached from here; nothing was done.",
        ) from error
    result = connection.result
    if bound:
        return
    if result["result"] == INVALID_CREDENTIALS:
        code = re.search(r"data ([0-9a-f]+)", result["message"] or "")
        why = _LOGON_ERRORS.get(code[1] if code else "", "the directory does not say why")
        raise Invalid(
            f"{name} does not let the bind account in: {why}.",
            f"Correct the account, or the password in {endpoint.password_file}.",
            "bind_user",
        )
    raise _no_answer(name, result["description"])


def _password(path: Path) -> str:
    try:
        password = path.read_text(encoding="utf-8").strip("\r\n")
    except OSError as error:
        raise Invalid(
            "The bind password can not be read.", "See that the file is there and ours.", str(path)
        ) from error
    if not password:
        # RFC 4513 §5.1.2: an empty password is an anonymous bind that looks like a success
        raise Invalid("The bind password is empty.", "Write it into the file.", str(path))
    return password


@contextmanager
def _lost(name: str) -> Iterator[None]:
    try:
        yield
    except LDAPInvalidDnError as error:
        raise Invalid(f"{name}: a configured name is no DN.", "Correct it in the settings.", "dn") from error
    except (LDAPException, OSError) as error:
        raise _no_answer(name, type(error).__name__) from error


def _no_answer(name: str, why: str) -> Unavailable:
    return Unavailable(f"{name} gave no clear answer ({why}).", "Read the account back before anything is tried again.")
