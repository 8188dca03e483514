"""Okta-shaped System Log lines by the hundred megabytes, and the evidence that speaks for some of them.

Shape and size follow a System Log event of the public schema (about 2.5 KB); the mix of types follows a mid-sized
organisation: sign-ins and policy evaluations carry the bulk, 3 % of the lines are identity support. Seeded: one seed
gives one file, byte for byte. `python -m bench.okta_generator FILE [MEGABYTES] [SEED]` writes a file.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from watchword.core.evidence import EvidenceRow
from watchword.core.ids import AccountId, CaseId

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
USERS = 20_000
AGENTS = 60
EXECUTOR = "00uexecutor0000000x7"
SUPPORT_SHARE = 0.03

_TRAFFIC = (
    ("policy.evaluate_sign_on", 2800),
    ("user.authentication.sso", 2750),
    ("user.session.start", 1400),
    ("user.authentication.auth_via_mfa", 1300),
    ("user.authentication.verify", 600),
    ("app.oauth2.token.grant.access_token", 600),
    ("user.session.end", 400),
    ("application.user_membership.add", 100),
    ("user.account.update_password", 25),
    ("user.mfa.factor.activate", 20),
    ("sample.event_of_next_year", 5),
)
_SUPPORT = (
    ("user.account.reset_password", 40),
    ("user.mfa.factor.deactivate", 30),
    ("user.account.unlock_by_admin", 20),
    ("user.mfa.factor.reset_all", 4),
    ("user.account.update_profile", 3),
    ("user.account.privilege.grant", 2),
    ("system.api_token.create", 1),
)
_EFFECTS = {
    "user.account.reset_password": (
        "password_reset",
        "reset_password",
        ("password.reset", "password.expire", "account.unlock"),
    ),
    "user.mfa.factor.deactivate": ("factor_reset", "reset_factors", ("mfa.factor_reset", "mfa.factor_reset_all")),
    "user.mfa.factor.reset_all": ("factor_reset", "reset_factors", ("mfa.factor_reset", "mfa.factor_reset_all")),
    "user.account.unlock_by_admin": ("unlock", "unlock", ("account.unlock",)),
}
_FACTORS = (b"SIGNED_NONCE", b"OKTA_VERIFY_PUSH", b"OKTA_SOFT_TOKEN")
_AGENT = (
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36"
)

_LINE = (
    b'{"actor":{"id":"%(actor)b","type":"User","alternateId":"%(login)b","displayName":"%(name)b","detailEntry":null},'
    b'"client":{"userAgent":{"rawUserAgent":"' + _AGENT + b'","os":"Windows 10","browser":"CHROME"},"zone":"null",'
    b'"device":"Computer","id":null,"ipAddress":"%(ip)b","geographicalContext":{"city":"Utrecht","state":"Utrecht",'
    b'"country":"Netherlands","postalCode":"3511","geolocation":{"lat":52.0908,"lon":5.1222}}},'
    b'"device":{"id":"guo%(hex)b","name":"LT-%(serial)b","os_platform":"WINDOWS","os_version":"10.0.26100",'
    b'"managed":true,"registered":true},'
    b'"authenticationContext":{"authenticationProvider":null,"credentialProvider":null,"credentialType":null,'
    b'"issuer":null,"interface":null,"authenticationStep":0,"rootSessionId":"idx%(session)b",'
    b'"externalSessionId":"idx%(session)b"},"displayMessage":"%(message)b","eventType":"%(type)b",'
    b'"outcome":{"result":"%(result)b","reason":%(reason)b},"published":"%(published)b",'
    b'"securityContext":{"asNumber":64496,"asOrg":"example isp b.v.","isp":"example isp b.v.",'
    b'"domain":"isp.example.test","isProxy":false},"severity":"INFO","debugContext":{"debugData":{'
    b'"requestId":"%(transaction)b","dtHash":"%(hex)b%(hex)b","deviceFingerprint":"%(hex)b","traceId":"%(uuid)b",'
    b'"requestUri":"/api/v1/%(path)b","threatSuspected":"false",'
    b'"behaviors":"{New Geo-Location=NEGATIVE, New Device=NEGATIVE, New IP=NEGATIVE, New State=NEGATIVE, '
    b'New Country=NEGATIVE, Velocity=NEGATIVE, New City=NEGATIVE}","risk":"{reasons=Low-risk, level=LOW}",'
    b'"authnRequestId":"%(hex)b","factor":"OKTA_VERIFY_PUSH"}},'
    b'"legacyEventType":"core.%(type)b","transaction":{"type":"WEB","id":"%(transaction)b","detail":{}},'
    b'"uuid":"%(uuid)b","version":"0","request":{"ipChain":[{"ip":"%(ip)b","geographicalContext":{"city":"Utrecht",'
    b'"country":"Netherlands"},"version":"V4","source":null}]},"target":%(target)b}\n'
)
_USER = (
    b'{"id":"%(id)b","type":"User","alternateId":"%(login)b","displayName":"%(name)b","detailEntry":null,'
    b'"changeDetails":null}'
)
_APP = (
    b'{"id":"0oaexample0000000x7","type":"AppInstance","alternateId":"Payroll","displayName":"Payroll (sample)",'
    b'"detailEntry":{"signOnModeType":"SAML_2_0"},"changeDetails":null}'
)


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What was written: *events* lines, *support* of them identity support, and the *evidence* for some."""

    events: int
    support: int
    evidence: tuple[EvidenceRow, ...]


def generate(path: Path, size: int, *, seed: int = 7, rows: int = 5_000) -> Sample:
    """Write at least *size* bytes of log to *path*; return it with exactly *rows* rows of evidence, seeded by *seed*.

    Nine in ten of the resets, factor resets and unlocks have a released case; what remains of *rows* are cases older
    than the log.
    """
    random_ = random.Random(seed)
    evidence: list[EvidenceRow] = []
    written = events = support = 0
    step = timedelta(milliseconds=700)
    now = START
    with path.open("wb", buffering=1 << 20) as out:
        while written < size:
            now += step * random_.random() * 2
            if random_.random() < SUPPORT_SHARE / 1.6:  # a factor reset makes three lines
                lines, row = _support_click(random_, now, len(evidence))
                support += len(lines)
                if row is not None and len(evidence) < rows:
                    evidence.append(row)
            else:
                lines = (_traffic(random_, now),)
            events += len(lines)
            written += out.write(b"".join(lines))
    earlier = sorted(_earlier(random_, rows - len(evidence)), key=lambda row: row.expires)
    return Sample(events=events, support=support, evidence=(*earlier, *evidence))


def _traffic(random_: random.Random, now: datetime) -> bytes:
    kind = random_.choices(_TRAFFIC_NAMES, cum_weights=_TRAFFIC_WEIGHTS)[0]
    user = random_.randrange(USERS)
    target = b"[" + _user(user) + b"," + _APP + b"]" if kind != "user.session.end" else b"null"
    return _line(random_, now, kind, _id(user), _login(user), target, b'"sample"')


def _support_click(random_: random.Random, now: datetime, number: int) -> tuple[tuple[bytes, ...], EvidenceRow | None]:
    kind = random_.choices(_SUPPORT_NAMES, cum_weights=_SUPPORT_WEIGHTS)[0]
    user = random_.randrange(USERS)
    governed = kind in _EFFECTS and random_.random() < 0.9
    actor = EXECUTOR.encode() if governed else b"00uagent%010dx7" % random_.randrange(AGENTS)
    login = b"executor@example.test" if governed else b"agent@example.test"
    transaction = b"%032x" % random_.getrandbits(128)
    reasons = tuple(b'"User reset %b factor"' % f for f in _FACTORS) if kind.endswith("deactivate") else (b"null",)
    target = b"[" + _user(user) + b"]"
    lines = tuple(
        _line(random_, now + timedelta(milliseconds=40 * n), kind, actor, login, target, reason, transaction)
        for n, reason in enumerate(reasons)
    )
    row = _evidence(kind, user, now, number, transaction.decode()) if governed else None
    return lines, row


def _evidence(kind: str, user: int, now: datetime, number: int, transaction: str | None) -> EvidenceRow:
    action, change, effects = _EFFECTS[kind]
    leaf = number * 8
    return EvidenceRow(
        case=CaseId(f"c-sample{number:014d}"),
        ticket=f"INC{number:07d}",
        account=AccountId(f"a-sample{user:014d}"),
        directory="okta",
        native_id=_id(user).decode(),
        target_keys=(_id(user).decode(), _login(user).decode()),
        account_class="standard",
        action=action,
        change=change,
        effects=effects,
        principal=EXECUTOR,
        principal_keys=(EXECUTOR,),
        socket=None,
        transaction=transaction,
        started=now - timedelta(milliseconds=300),
        ended=now + timedelta(milliseconds=400),
        expires=now + timedelta(minutes=30),
        outcome="done",
        receipt=transaction,
        opened_leaf=leaf,
        ticket_leaf=leaf + 1,
        verify_leaves=(leaf + 2, leaf + 3),
        approve_leaves=(leaf + 4,),
        approve_needed=True,
        release_leaf=leaf + 5,
        started_leaf=leaf + 6,
        outcome_leaf=leaf + 7,
    )


def _earlier(random_: random.Random, count: int) -> Iterator[EvidenceRow]:
    """Cases of the month before the log begins: most of a table is history."""
    for number in range(count):
        when = START - timedelta(hours=1) - timedelta(days=30) * random_.random()
        user = random_.randrange(USERS)
        yield _evidence("user.account.reset_password", user, when, 1_000_000 + number, f"earlier{number}")


def _line(
    random_: random.Random,
    now: datetime,
    kind: str,
    actor: bytes,
    login: bytes,
    target: bytes,
    reason: bytes,
    transaction: bytes | None = None,
) -> bytes:
    noise = random_.getrandbits(128)
    failed = random_.random() < 0.03
    return _LINE % {
        b"actor": actor,
        b"login": login,
        b"name": b"Sample Person",
        b"ip": b"198.51.100.%d" % (noise & 0xFF),
        b"hex": b"%032x" % noise,
        b"serial": b"%06d" % (noise % 999_983),
        b"session": b"%022d" % (noise % 10**22),
        b"message": b"Sample event of a generated log",
        b"type": kind.encode(),
        b"result": b"FAILURE" if failed and transaction is None else b"SUCCESS",
        b"reason": reason,
        b"published": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z".encode(),
        b"transaction": transaction or b"%032x" % (noise ^ 0xFFFF),
        b"path": b"sessions/me/lifecycle/refresh",
        b"uuid": b"%08x-%04x-11f1-%04x-%012x"
        % (noise >> 96, (noise >> 80) & 0xFFFF, (noise >> 64) & 0xFFFF, noise & 0xFFFFFFFFFFFF),
        b"target": target,
    }


def _id(user: int) -> bytes:
    return b"00usample%08dx7" % user


def _login(user: int) -> bytes:
    return b"sample.person%d@example.test" % user


def _user(user: int) -> bytes:
    return _USER % {b"id": _id(user), b"login": _login(user), b"name": b"Sample Person"}


def _cumulative(weights: tuple[tuple[str, int], ...]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    total, sums = 0, []
    for _, weight in weights:
        total += weight
        sums.append(total)
    return tuple(name for name, _ in weights), tuple(sums)


_TRAFFIC_NAMES, _TRAFFIC_WEIGHTS = _cumulative(_TRAFFIC)
_SUPPORT_NAMES, _SUPPORT_WEIGHTS = _cumulative(_SUPPORT)


def main() -> None:
    path = Path(sys.argv[1])
    megabytes = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    sample = generate(path, megabytes * 1_000_000, seed=int(sys.argv[3]) if len(sys.argv) > 3 else 7)
    print(f"{sample.events:,} events, {sample.support:,} of them identity support, in {path}")


if __name__ == "__main__":
    main()
