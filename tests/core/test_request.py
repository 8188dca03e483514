"""The bytes an approver signs: canonical by another implementation's measure, and read back only as they were."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tests.core.sample import ACCOUNT, BEGINNING, CASE, NOON
from tests.core.story import leaf
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.change import (
    Change,
    ContactKind,
    GrantOverride,
    IssuePass,
    ReissueSecret,
    ResetFactors,
    ResetPassword,
    RevokeSessions,
    SetContact,
    Suspend,
    SuspendFactors,
    Unlock,
)
from watchword.core.errors import Corrupt
from watchword.core.request import NotBefore, Request, parse
from watchword.core.requirement import Context

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
seconds = st.integers(0, 2**53 - 1)
changes = st.one_of(
    st.builds(ResetPassword, account=st.just(ACCOUNT), must_change=st.booleans()),
    st.builds(Unlock, account=st.just(ACCOUNT)),
    st.builds(ResetFactors, account=st.just(ACCOUNT), factors=st.lists(texts, max_size=3).map(tuple)),
    st.builds(SetContact, account=st.just(ACCOUNT), contact=st.sampled_from(ContactKind), commitment=texts),
    st.builds(IssuePass, account=st.just(ACCOUNT), lifetime_s=seconds),
    st.builds(ReissueSecret, account=st.just(ACCOUNT), overlap_s=seconds),
    st.builds(GrantOverride, account=st.just(ACCOUNT), role=texts, lifetime_s=seconds),
    st.builds(RevokeSessions, account=st.just(ACCOUNT)),
    st.builds(Suspend, account=st.just(ACCOUNT)),
    st.builds(SuspendFactors, account=st.just(ACCOUNT), factors=st.lists(texts, max_size=3).map(tuple)),
)
leaves = st.integers(0, 99).map(leaf)
requests = st.builds(
    Request,
    log=texts,
    case=st.just(CASE),
    account=st.just(ACCOUNT),
    account_class=st.sampled_from(AccountClass),
    action=st.sampled_from(Action),
    changes=st.lists(changes, min_size=1, max_size=3).map(tuple),
    context=st.builds(Context, channel=texts, risk=texts, elevated_threat=st.booleans()),
    ticket=st.none() | leaves,
    evidence=st.lists(leaves, max_size=3).map(tuple),
    policy=texts,
    nonce=texts,
    checkpoint=st.builds(NotBefore, size=seconds, root=texts),
    not_after=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),
)


def sample(*asked: Change) -> Request:
    """One request, for unlocking unless told otherwise."""
    return Request(
        log="sandbox.example.test",
        case=CASE,
        account=ACCOUNT,
        account_class=AccountClass.STANDARD,
        action=Action.UNLOCK,
        changes=asked or (Unlock(account=ACCOUNT),),
        context=Context(),
        ticket=leaf(1),
        evidence=(leaf(2), leaf(3)),
        policy="5f" * 32,
        nonce="n-1",
        checkpoint=BEGINNING,
        not_after=NOON,
    )


@given(requests)
def test_the_text_is_canonical_json(request_: Request) -> None:
    """It is byte for byte what RFC 8785's reference implementation makes of the same object."""
    text = request_.encode()
    assert text.encode() == rfc8785.dumps(json.loads(text))


@given(requests)
def test_what_was_encoded_is_what_is_read(request_: Request) -> None:
    """Parsing gives back the same request, and the same text again."""
    assert parse(request_.encode()) == request_


def test_the_text_is_what_it_always_was() -> None:
    """The bytes of a request are a format: approvals of last year have to verify next year."""
    assert sample().encode() == (
        '{"account":"a-sue","account_class":"standard","action":"unlock",'
        '"case":"c-one","changes":[{"account":"a-sue","kind":"unlock"}],'
        f'"checkpoint":{{"root":"{"00" * 32}","size":7}},'
        '"context":{"channel":"phone","device":"unknown","elevated_threat":false,"location":"unknown","risk":"low",'
        '"situation":"normal"},'
        '"decision":"approve",'
        f'"evidence":["{leaf(2)}","{leaf(3)}"],'
        '"log":"sandbox.example.test","nonce":"n-1","not_after":"2030-05-06T12:00:00Z",'
        f'"policy":"{"5f" * 32}","ticket":"{leaf(1)}","uses":1,"v":1}}'
    )


TEXT = sample(ResetPassword(account=ACCOUNT)).encode()


@pytest.mark.parametrize(
    "altered",
    [
        "",
        "{}",
        "null",
        TEXT[:-1],
        TEXT + " ",
        " " + TEXT,
        TEXT + TEXT,
        TEXT.replace('"uses":1', '"uses":2'),
        TEXT.replace('"v":1', '"v":2'),
        TEXT.replace('"decision":"approve"', '"decision":"deny"'),
        TEXT.replace('"decision":"approve",', ""),
        TEXT.replace('"v":1', '"v":1,"w":1'),
        TEXT.replace('"v":1', '"v":1.0'),
        TEXT.replace('"uses":1,"v":1', '"v":1,"uses":1'),
        TEXT.replace('"uses":1,', ""),
        TEXT.replace('"nonce":"n-1"', '"nonce":"n-0","nonce":"n-1"'),
        TEXT.replace('"nonce":"n-1"', '"nonce":"n\\u002d1"'),
        TEXT.replace('"must_change":true', '"must_change":true,"extra":1'),
        TEXT.replace('"must_change":true', '"must_change":"true"'),
        TEXT.replace('"reset_password"', '"drop_everything"'),
        TEXT.replace('"situation":"normal"', '"situation":"normal","zone":"x"'),
        TEXT.replace('"nonce":"n-1"', '"nonce":"\ud800"'),
        TEXT.replace('"2030-05-06T12:00:00Z"', '"2030-05-06T12:00:00"'),
        TEXT.replace('"2030-05-06T12:00:00Z"', '"2030-05-06T12:00:00.000Z"'),
    ],
)
def test_anything_else_is_corrupt(altered: str) -> None:
    """Bytes that are not exactly a request of ours stop the world: no repair, no guess."""
    assert altered != TEXT
    with pytest.raises(Corrupt):
        parse(altered)


@given(st.integers(0, len(TEXT) - 1), st.characters(exclude_categories=["Cs"]))
def test_no_altered_character_reads_as_the_same_request(where: int, other: str) -> None:
    """A change of one character is refused or means something else; it never passes for what was signed."""
    altered = TEXT[:where] + other + TEXT[where + 1 :]
    try:
        read = parse(altered)
    except Corrupt:
        return
    assert altered == TEXT or read != parse(TEXT)


@given(st.text(max_size=40))
def test_noise_is_corrupt(noise: str) -> None:
    """Whatever it is, it is answered with the one error that says stop."""
    with pytest.raises(Corrupt):
        parse(noise)
