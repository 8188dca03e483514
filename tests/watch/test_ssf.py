"""Security event tokens: pushed and polled, verified, and judged as events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, KeySet, OctKey

from watchword.core.errors import Unavailable
from watchword.core.evidence import EvidenceRow
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.engine import Engine
from watchword.watch.providers import OKTA, Feed, provider_named
from watchword.watch.sources.pull import Pull
from watchword.watch.sources.spool import Position, Spool
from watchword.watch.sources.ssf import Keys, PollReceiver, PushReceiver, Receiver, Rejected
from watchword.watch.sources.web import Web

from .conftest import NOON, Classify, Okta, _write_evidence, _write_log
from .services import Asked, Reply, Service, service

ISSUER, AUDIENCE = "https://idp.example.test", "https://desk.example.test"
KEY = ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256", "use": "sig"})
PREFIX = "https://schemas.openid.net/secevent/"
TYPE = {"content-type": "application/secevent+jwt"}


def claims(kind: str = "caep/event-type/session-revoked", jti: Any = "j-1", **members: Any) -> dict[str, Any]:
    """What a token says; *members* replace its claims, None takes one away."""
    event = members.pop("event", {"event_timestamp": int(NOON.timestamp())})
    whole = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "jti": jti,
        "iat": int(NOON.timestamp()),
        "sub_id": {"format": "email", "email": "Ana@example.test"},
        "events": {PREFIX + kind: event},
        **members,
    }
    return {name: value for name, value in whole.items() if value is not None}


def token(said: Any = None, key: Any = KEY, **header: Any) -> bytes:
    """*said*, signed."""
    protected = {"alg": "ES256", "typ": "secevent+jwt", "kid": "k1", **header}
    payload = json.dumps(claims() if said is None else said).encode()
    return jws.serialize_compact(protected, payload, key, algorithms=["ES256", "HS256"]).encode()


def jwks(*keys: Any) -> bytes:
    """The public halves of *keys*."""
    return json.dumps(KeySet(list(keys)).as_dict(private=False)).encode()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """Where tokens go."""
    return Spool(tmp_path / "spool")


@pytest.fixture
def push(spool: Spool) -> PushReceiver:
    """The endpoint of a push stream without an agreed header."""
    return PushReceiver(Receiver(spool, ISSUER, AUDIENCE, Keys(lambda: jwks(KEY))), None)


def spooled(spool: Spool) -> list[dict[str, Any]]:
    """The tokens that are durable."""
    part = Spool(spool.folder).read(Position())
    return [] if part is None else [json.loads(line) for line in part.read().splitlines()]


def test_a_pushed_token_is_kept_once(push: PushReceiver, spool: Spool) -> None:
    """With its claims and the token itself; delivered again it is acknowledged, and not kept again."""
    sent = token()
    for _ in range(2):
        assert push.take(sent, TYPE, NOON) == 1
    (line,) = spooled(spool)
    assert (line["jti"], line["set"]) == ("j-1", sent.decode())


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"", "invalid_request"),
        (b"nonsense", "invalid_request"),
        (b"\xff\xfe.a.b", "invalid_request"),
        (b"a" * 300_000, "invalid_request"),
        (token(typ="JWT"), "invalid_request"),
        (token(key=ECKey.generate_key("P-256")), "invalid_key"),
        (token(kid="k2"), "invalid_key"),
        (token(key=OctKey.import_key(jwks(KEY)), alg="HS256"), "invalid_key"),
        (b"eyJhbGciOiJub25lIiwidHlwIjoic2VjZXZlbnQrand0In0.e30.", "invalid_key"),
        (token()[:-10] + b"AAAAAAAAAA", "invalid_key"),
        (token([1]), "invalid_request"),
        (token(claims(iss="https://other.example.test")), "invalid_issuer"),
        (token(claims(iss=None)), "invalid_issuer"),
        (token(claims(aud="https://other.example.test")), "invalid_audience"),
        (token(claims(aud=[])), "invalid_audience"),
        (token(claims(sub="00uana")), "invalid_request"),
        (token(claims(exp=9999999999)), "invalid_request"),
        (token(claims(jti=None)), "invalid_request"),
        (token(claims(jti=7)), "invalid_request"),
        (token(claims(iat=None)), "invalid_request"),
        (token(claims(iat="now")), "invalid_request"),
        (token(claims(iat=1e30)), "invalid_request"),
        (token(claims(iat=int(NOON.timestamp()) + 3600)), "invalid_request"),
        (token(claims(iat=int(NOON.timestamp()) - 40 * 86400)), "invalid_request"),
        (token(claims(events={})), "invalid_request"),
        (token(claims(events={"x": 1})), "invalid_request"),
    ],
)
def test_what_is_not_ours_is_refused_with_its_code(push: PushReceiver, spool: Spool, sent: bytes, code: str) -> None:
    """Each fault has the code that RFC 8935 gives it, and leaves nothing behind."""
    with pytest.raises(Rejected) as rejected:
        push.take(sent, TYPE, NOON)
    assert rejected.value.code == code
    assert spooled(spool) == []


def test_an_audience_may_be_one_of_several(push: PushReceiver) -> None:
    """A list that names us is for us."""
    assert push.take(token(claims(aud=["https://other.example.test", AUDIENCE])), TYPE, NOON) == 1


def test_the_agreed_header_and_the_type_are_demanded(spool: Spool) -> None:
    """Before anything is verified."""
    made = PushReceiver(Receiver(spool, ISSUER, AUDIENCE, Keys(lambda: jwks(KEY))), "Bearer agreed-secret")
    with pytest.raises(Rejected) as rejected:
        made.take(token(), TYPE, NOON)
    assert rejected.value.code == "authentication_failed"
    with pytest.raises(Rejected):
        made.take(token(), {"authorization": "Bearer agreed-secret", "content-type": "application/json"}, NOON)
    assert made.take(token(), {**TYPE, "authorization": "Bearer agreed-secret"}, NOON) == 1


def test_a_new_key_is_looked_for_once_a_minute(spool: Spool) -> None:
    """A key that is not known makes us look again, but not as often as somebody sends nonsense."""
    new, asked = ECKey.generate_key("P-256", {"kid": "k2"}), [jwks(KEY)]
    fetched: list[bytes] = []

    def fetch() -> bytes:
        fetched.append(asked[-1])
        return asked[-1]

    receiver = Receiver(spool, ISSUER, AUDIENCE, Keys(fetch))
    receiver.take(token(), NOON)
    asked.append(jwks(KEY, new))
    for _ in range(3):
        with pytest.raises(Rejected):
            receiver.take(token(claims(jti="j-2"), key=new, kid="k2"), NOON + timedelta(seconds=10))
    assert len(fetched) == 1
    receiver.take(token(claims(jti="j-2"), key=new, kid="k2"), NOON + timedelta(seconds=70))
    assert len(fetched) == 2


def test_without_keys_nothing_is_taken(spool: Spool) -> None:
    """A transmitter whose keys can not be had is no fault of the token: it may be sent again."""
    with pytest.raises(Unavailable):
        Receiver(spool, ISSUER, AUDIENCE, Keys(lambda: b"no")).take(token(), NOON)


@pytest.fixture
def transmitter() -> Iterator[Service]:
    """A poll endpoint."""
    with service() as made:
        yield made


def test_polled_tokens_are_acknowledged_when_they_are_durable(transmitter: Service, spool: Spool) -> None:
    """Good ones with `ack`, bad ones with their error; what was read and not acknowledged is read once."""
    left = {"j-1": token().decode(), "j-2": token(claims(jti="j-2")).decode(), "j-3": "nonsense"}
    told: dict[str, Any] = {}

    def answer(asked: Asked) -> Reply:
        said = json.loads(asked.body)
        assert said["returnImmediately"] is True
        told.update(said["setErrs"])
        for name in (*said["ack"], *said["setErrs"]):
            left.pop(name)
        first = dict(list(left.items())[:2])
        return Reply({"sets": first, "moreAvailable": len(left) > len(first)})

    transmitter.answer = answer
    receiver = Receiver(spool, ISSUER, AUDIENCE, Keys(lambda: jwks(KEY)))
    with Web(lambda: NOON) as web:
        poller = PollReceiver(web, f"{transmitter.url}/poll", receiver, "the-token")
        assert Pull("ssf", poller, spool, timedelta(seconds=30), lambda: NOON).once() == 30
    assert [line["jti"] for line in spooled(spool)] == ["j-1", "j-2"]
    assert not left
    assert told["j-3"]["err"] == "invalid_request"
    assert {asked.headers["authorization"] for asked in transmitter.asked} == {"Bearer the-token"}


def line(kind: str, event: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """A line as the receiver spools it."""
    stamped = {"event_timestamp": int(NOON.timestamp()), **(event or {})}
    return claims(kind, event=stamped, **members)


CREDENTIAL = "caep/event-type/credential-change"


@pytest.mark.parametrize(
    ("kind", "event", "action", "verdict"),
    [
        (CREDENTIAL, {"credential_type": "password", "change_type": "update", "initiating_entity": "admin"},
         Canonical.PASSWORD_RESET, Verdict.UNVERIFIED),
        (CREDENTIAL, {"credential_type": "password", "change_type": "update", "initiating_entity": "user"},
         Canonical.PASSWORD_CHANGE_SELF, Verdict.SELF_SERVICE),
        (CREDENTIAL, {"credential_type": "fido2-roaming", "change_type": "revoke", "initiating_entity": "admin"},
         Canonical.FACTOR_RESET, Verdict.UNVERIFIED),
        (CREDENTIAL, {"credential_type": "app", "change_type": "create"}, Canonical.FACTOR_ENROLL, Verdict.IGNORED),
        (CREDENTIAL, {"credential_type": "ALL_FACTORS", "change_type": "revoke", "initiating_entity": "admin"},
         Canonical.FACTOR_RESET_ALL, Verdict.UNVERIFIED),
        ("caep/event-type/session-revoked", {}, Canonical.SESSION_REVOKE, Verdict.IGNORED),
        ("oauth/event-type/tokens-revoked", {}, Canonical.TOKEN_REVOKE, Verdict.IGNORED),
        ("risc/event-type/recovery-activated", {}, Canonical.RECOVERY_INITIATED, Verdict.IGNORED),
        ("risc/event-type/recovery-information-changed", {}, Canonical.RECOVERY_INFO_CHANGE, Verdict.UNVERIFIED),
        ("risc/event-type/account-disabled", {"reason": "hijacking"}, Canonical.ACCOUNT_DISABLE, Verdict.IGNORED),
        ("risc/event-type/account-enabled", {}, Canonical.ACCOUNT_ENABLE, Verdict.UNVERIFIED),
        ("risc/event-type/credential-compromise", {"credential_type": "password"}, Canonical.USER_REPORT,
         Verdict.IGNORED),
    ],
)  # fmt: skip
def test_each_event_is_what_it_says(
    classify: Classify, kind: str, event: dict[str, Any], action: Canonical, verdict: Verdict
) -> None:
    """The type, and for a credential what it is, what became of it and who did it."""
    (row,) = classify([line(kind, event)], provider="ssf").verdicts
    assert (row.action, row.verdict, row.at) == (action, verdict, NOON)
    assert row.target == "Ana@example.test"


@pytest.mark.parametrize(
    ("kind", "uri", "action"),
    [
        ("prov:create:full", "/Users/44f6", Canonical.ACCOUNT_CREATE),
        ("prov:create:notice", "/Users/44f6", Canonical.ACCOUNT_CREATE),
        ("prov:activate", "/Users/44f6", Canonical.ACCOUNT_ENABLE),
        ("prov:deactivate", "/Users/44f6", Canonical.ACCOUNT_DISABLE),
        ("prov:delete", "/Users/44f6", Canonical.ACCOUNT_DELETE),
        ("prov:patch:notice", "/Users/44f6", None),
        ("prov:delete", "/Groups/9", None),
        ("feed:add", "/Users/44f6", None),
    ],
)
def test_what_scim_provisions_is_told(classify: Classify, kind: str, uri: str, action: Canonical | None) -> None:
    """The events of RFC 9967 name an account by its address; of a group nothing is told."""
    event = line("x", sub_id={"format": "scim", "uri": uri})
    event["events"] = {f"urn:ietf:params:scim:event:{kind}": {}}
    report = classify([event], None, provider="ssf")
    assert [(row.action, row.target) for row in report.verdicts] == ([] if action is None else [(action, uri)])
    assert report.unknown_types == ()


@pytest.mark.parametrize("kind", ["risc/event-type/verification", "sse/event-type/stream-updated"])
def test_the_stream_itself_has_older_names(classify: Classify, kind: str) -> None:
    """Transmitters of drafts call a verification of the stream otherwise."""
    assert classify([line(kind)], None, provider="ssf").unknown_types == ()


def test_subjects_of_every_shape_and_odd_tokens(classify: Classify) -> None:
    """Simple and complex subjects, milliseconds, several events in one token, types that are new, nulls."""
    kind = "risc/event-type/account-enabled"
    subjects = [
        {"format": "iss_sub", "iss": ISSUER, "sub": "00u1"},
        {"user": {"format": "email", "email": "ben@example.test"}, "device": {"format": "iss_sub", "sub": "d-1"}},
        {"format": "opaque", "id": "o-1"},
        None,
    ]
    lines = [line(kind, jti=f"s-{n}", sub_id=subject) for n, subject in enumerate(subjects)]
    lines.append(line(kind, {"event_timestamp": int(NOON.timestamp()) * 1000}, jti="ms"))
    lines.append(
        {**line(kind, jti="two"), "events": {PREFIX + kind: {}, PREFIX + "caep/event-type/session-revoked": {}}}
    )
    lines.append(line("caep/event-type/brand-new", jti="new"))
    lines.append({"jti": "bare"})
    lines.append({"jti": "odd", "events": {PREFIX + kind: None}, "iat": "soon"})
    report = classify(lines, provider="ssf")
    assert {row.target for row in report.verdicts} >= {"00u1", "ben@example.test", "o-1", ""}
    assert {row.action for row in report.verdicts if row.id.startswith("two/")} == {
        Canonical.ACCOUNT_ENABLE,
        Canonical.SESSION_REVOKE,
    }
    assert [row.at for row in report.verdicts if row.id == "ms"] == [NOON]
    assert "caep/event-type/brand-new" in {kind.native for kind in report.unknown_types}


def test_a_token_of_a_change_that_the_directory_logged_too_joins_it(
    okta: Okta, evidence: Callable[..., EvidenceRow], tmp_path: Path
) -> None:
    """A governed reset is verified in its log and in its token; a second token, a later one and another's are not."""
    subject = {"sub_id": {"format": "email", "email": "00uana@example.test"}}
    said = {"credential_type": "password", "change_type": "update", "initiating_entity": "admin"}

    def at(seconds: int) -> dict[str, Any]:
        return {**said, "event_timestamp": int(NOON.timestamp()) + seconds}

    tokens = [
        line(CREDENTIAL, at(1), jti="same", **subject),
        line(CREDENTIAL, at(2), jti="second", **subject),
        line(CREDENTIAL, at(600), jti="later", **subject),
        line(CREDENTIAL, at(1), jti="other", sub_id={"format": "email", "email": "00uben@example.test"}),
    ]
    table = _write_evidence(tmp_path / "evidence.parquet", [evidence(directory="corp")])
    feeds = tuple(
        Feed(provider=provider, directory=directory, files=(_write_log(tmp_path / f"{provider.name}.jsonl", lines),))
        for provider, directory, lines in ((OKTA, "corp", [okta()]), (provider_named("ssf"), "corp", tokens))
    )
    rows = {row.id: (row.verdict, row.case) for row in Engine().judge(feeds, table).verdicts}
    assert rows.pop("u-0001") == rows.pop("same") == (Verdict.VERIFIED, "c-0001")
    assert {verdict for verdict, _ in rows.values()}.isdisjoint({Verdict.VERIFIED, Verdict.TICKETED})
    elsewhere = (feeds[0], msgspec.structs.replace(feeds[1], directory="branch"))
    assert {row.verdict for row in Engine().judge(elsewhere, table).verdicts if row.provider == "ssf"}.isdisjoint(
        {Verdict.VERIFIED, Verdict.TICKETED}
    )
