"""A policy becomes the active one by two authors: one proposes, another one confirms exactly that, in time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.desk.office import Office, refused
from tests.ledger.openssh import openssl_accepts, ssh_accepts, with_tools
from watchword.core.action import Action
from watchword.core.approval import SessionProof, SignedProof, proof_of
from watchword.core.case import Closed, Delivered
from watchword.core.errors import Conflict, Invalid
from watchword.core.ids import PersonId
from watchword.core.passkey import RelyingParty, material_of
from watchword.core.person import Kind, Role, RoleGrant
from watchword.core.statement import Statement
from watchword.desk.activation import WITHIN, active_texts
from watchword.desk.posture import PolicyActivated, PolicyProposed
from watchword.desk.recording import POLICY_STREAM, event_of
from watchword.ledger.append import Append, Draft
from watchword.ledger.approval import verify
from watchword.ledger.sshsig import AUTHORSHIP, allowed_signer, namespace_of, signed_data
from watchword.policy.bundle import FILES, Policy
from watchword.policy.loading import Source
from watchword.policy.procedures import DEFAULT, digest_of
from watchword.settings import load

ROOT, ANN = "root.admin", "ann.author"


@pytest.fixture(scope="session")
def with_folder(founded: Office, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office whose policy lies in a folder of its own, as it ships; closed, to be copied."""
    office = founded.copy(tmp_path_factory.mktemp("authors") / "office")
    office.close()
    shutil.copytree(DEFAULT, office.home / "policy")  # type: ignore[arg-type]  # a folder on disk, as installed
    config = office.home / "watchword.toml"
    config.write_text(f'policy = "policy"\n{config.read_text()}')
    return office


@pytest.fixture
def place(with_folder: Office, tmp_path: Path) -> Iterator[Office]:
    """A copy of it for one test; the ledger is sound at the end."""
    office = with_folder.copy(tmp_path / "place")
    try:
        yield office
        office.fsck()
    finally:
        office.close()


def edit(office: Office, old: str = "grant: 15m", new: str = "grant: 14m") -> str:
    """Edit the policy on disk, under the running desk; returns the digest it has then."""
    table = office.home / "policy" / "procedures.yaml"
    assert old in table.read_text()
    table.write_text(table.read_text().replace(old, new))
    return Policy.load(office.home / "policy").digest


def propose(office: Office, who: str = ROOT, *, within: timedelta = WITHIN) -> PolicyProposed:
    """Have *who* propose what is on disk, as they are signed in."""
    return office.app.activation.propose(office[who], f"session of {who}", office.at, within=within)


def confirm(office: Office, digest: str, who: str = ANN) -> str:
    """Have *who* confirm the proposal of *digest*, as they are signed in."""
    return office.app.activation.activate(office[who], digest, f"session of {who}", office.at)


def hire(office: Office, login: str, *roles: Role, by: str = ROOT, kind: Kind = Kind.EMPLOYEE) -> PersonId:
    """Have an administrator make somebody known, with roles everywhere and a password."""
    people, administrator = office.app.people, office[by]
    person = people.register(administrator, login=login, name=login, kind=kind, unit="desk", at=office.at)
    for role in roles:
        people.grant(administrator, person, RoleGrant(role=role), office.at)
    people.set_password(administrator, person, "correct horse battery", office.at)
    return person


def events(office: Office) -> list[object]:
    """What the policy stream holds."""
    return [event_of(one) for one in office.app.ledger.read(POLICY_STREAM)]


# --- the two of them --------------------------------------------------------------------------------------------------


def test_a_policy_is_active_once_a_second_author_confirmed_it(place: Office) -> None:
    """A proposal changes nothing and says until when it waits; the confirmation names both and points at it."""
    before, after = place.app.policy.digest, edit(place)
    proposed = propose(place)
    posture = place.app.registry.posture()
    assert (posture.digest, posture.waiting(place.at)) == (before, proposed)
    assert proposed.not_after == place.at + timedelta(hours=24)
    place.open()  # the running desk goes on under the active one meanwhile
    assert confirm(place, after) == after
    last = place.app.ledger.read(POLICY_STREAM)[-1]
    activated = event_of(last)
    assert isinstance(activated, PolicyActivated)
    assert (activated.proposer, activated.by, activated.digest) == (place[ROOT], place[ANN], after)
    assert last.entry.refs == (activated.proposed,)
    assert place.app.registry.posture().waiting(place.at) is None
    assert refused(place.open) == ("policy_drift",)  # until it is started again
    place.restart()
    place.open()


def test_both_stand_for_the_same_bytes(place: Office) -> None:
    """The statement names the policy, the one it replaces, the ledger and the end, and is what the second one sees."""
    before, after = place.app.policy.digest, edit(place)
    proposed = propose(place)
    said = Statement.parse(proposed.statement)
    assert (said.policy, said.replaces, said.not_after) == (after, before, proposed.not_after)
    assert (said.log, said.checkpoint.root) == (
        place.app.ledger.origin,
        place.app.ledger.root(said.checkpoint.size).hex(),
    )
    assert place.app.activation.to_confirm(place[ANN], place.at).statement == proposed.statement


def test_one_author_alone_activates_nothing(place: Office) -> None:
    """Whoever proposed it does not confirm it, by the rule that says so."""
    digest = edit(place)
    propose(place)
    assert refused(lambda: confirm(place, digest, ROOT)) == ("proposer-never-confirms",)
    assert refused(lambda: place.app.activation.to_confirm(place[ROOT], place.at)) == ("proposer-never-confirms",)
    assert not [e for e in events(place)[1:] if isinstance(e, PolicyActivated)]


def test_two_authors_are_held_apart_without_the_rule_as_well(place: Office) -> None:
    """A running policy that lost its rule still does not let one author do both."""
    digest = edit(place)
    propose(place)
    without(place, "proposer-never-confirms")
    assert refused(lambda: confirm(place, digest, ROOT)) == ("proposer-never-confirms",)


def test_an_unsettled_author_is_refused_without_the_rule_as_well(settled: Office) -> None:
    """A running policy that lost its rule about authors changed lately still lets no new one propose."""
    hire(settled, "puppet.one", Role.POLICY_AUTHOR)
    without(settled, "author-changed-lately")
    edit(settled)
    assert refused(lambda: propose(settled, "puppet.one")) == ("author-changed-lately",)
    propose(settled)


def without(office: Office, name: str) -> None:
    """Have the running policy lose a rule for people."""
    people, texts = office.app.policy.people, dict(office.app.policy.texts)
    (rule,) = (s for s in people.statements if s.name == name)
    lax = type(people).load(texts["people.cedar"].replace(rule.text, "", 1), texts["people.cedarschema"])
    office.app.steps.policy = with_rules(office.app.policy, lax)


def with_rules(policy: Policy, people: object) -> Policy:
    """The same policy, with other rules for people."""
    return Policy(policy.procedures, people, policy.digest, policy.files, policy.texts)  # type: ignore[arg-type]


def test_nobody_but_an_author_takes_part(place: Office) -> None:
    """An administrator, a vendor who was given the role, an AI agent and somebody without a role are all refused."""
    digest = edit(place)
    hire(place, "adam.admin", Role.ADMINISTRATOR)
    hire(place, "vera.vendor", Role.POLICY_AUTHOR, kind=Kind.VENDOR)
    hire(place, "a.machine", Role.POLICY_AUTHOR, kind=Kind.AI)
    others = ("adam.admin", "vera.vendor", "a.machine", "mara.lind")
    for login in others:
        assert refused(lambda login=login: propose(place, login)) == ("not_policy_author",)  # type: ignore[misc]
    propose(place)
    for login in others:
        assert refused(lambda login=login: confirm(place, digest, login)) == ("not_policy_author",)  # type: ignore[misc]


# --- in time, and nothing else ----------------------------------------------------------------------------------------


def test_a_proposal_ends(place: Office) -> None:
    """Not confirmed in a day it is over, to the second; another time can be given, between an hour and a week."""
    digest = edit(place)
    propose(place)
    place.wait(hours=24)
    assert refused(lambda: confirm(place, digest)) == ("expired",)
    propose(place, within=timedelta(hours=1))
    place.wait(minutes=59, seconds=59)
    assert confirm(place, digest) == digest
    for within in (timedelta(minutes=59), timedelta(days=7, seconds=1)):
        assert refused(lambda within=within: propose(place, within=within)) == ("within",)  # type: ignore[misc]


def test_a_proposal_ends_with_its_author(place: Office) -> None:
    """What somebody proposed who is no author any more is confirmed by nobody; another author proposes it anew."""
    hire(place, "pat.author", Role.POLICY_AUTHOR)
    digest = edit(place)
    propose(place, "pat.author")
    place.app.people.revoke(place[ROOT], place["pat.author"], Role.POLICY_AUTHOR, place.at)
    assert refused(lambda: confirm(place, digest)) == ("proposer_gone",)
    assert refused(lambda: place.app.activation.to_confirm(place[ANN], place.at)) == ("proposer_gone",)
    propose(place)
    assert confirm(place, digest) == digest


def test_only_what_was_looked_at_is_confirmed(place: Office) -> None:
    """Another digest, a newer proposal, and a file that was edited since are each told."""
    assert refused(lambda: confirm(place, place.app.policy.digest)) == ("not_proposed",)
    first = edit(place)
    propose(place)
    with pytest.raises(Conflict, match="not what is proposed now"):
        confirm(place, place.app.policy.digest)
    second = edit(place, "grant: 14m", "grant: 13m")
    with pytest.raises(Conflict, match="no longer what was proposed"):
        confirm(place, first)
    propose(place)
    with pytest.raises(Conflict, match="not what is proposed now"):
        confirm(place, first)
    assert confirm(place, second) == second


def test_what_replaces_another_policy_by_now_is_not_confirmed(place: Office) -> None:
    """A proposal speaks of the policy it replaces; where that is no longer the active one it is made again."""
    digest = edit(place)
    proposed = propose(place)
    place.app.activation._append(
        Draft(
            type="policy.activated",
            at=place.at,
            actor="genesis",
            data={"digest": "sha256:other", "by": "genesis"},
        ),
        place.app.ledger.read(POLICY_STREAM)[-1].entry.version,
        place[ROOT],
        None,
        place.at,
    )
    assert refused(lambda: confirm(place, digest)) == ("not_proposed",)
    stale = {**msgspec.to_builtins(proposed)}
    kind = stale.pop("type")
    version = place.app.ledger.read(POLICY_STREAM)[-1].entry.version
    again = Draft(type=kind, at=place.at, actor=place[ROOT], data=stale)
    place.app.ledger.append((Append(stream=POLICY_STREAM, expected_version=version, drafts=(again,)),))
    with pytest.raises(Conflict, match="activated meanwhile"):
        confirm(place, digest)


def test_a_policy_with_findings_is_neither_proposed_nor_activated(place: Office) -> None:
    """A weak cell and a rule that is missing are told by name, before anything is written."""
    weak = edit(place, "close_remote: 3, strongest_only: 5", "close_remote: 3, strongest_only: 3")
    assert refused(lambda: propose(place))[0] == "unsound_policy"
    edit(place, "close_remote: 3, strongest_only: 3", "close_remote: 3, strongest_only: 5")
    cedar = place.home / "policy" / "people.cedar"
    (rule,) = (s for s in place.app.policy.people.statements if s.name == "proposer-never-confirms")
    cedar.write_text(cedar.read_text().replace(rule.text, "", 1))
    told = refused(lambda: propose(place))
    assert told[0] == "unsound_policy"
    assert told[1].startswith("people.cedar:")
    assert weak not in str(events(place))
    (place.home / "policy" / "procedures.yaml").write_text("tiers:\n  - [\n")
    with pytest.raises(Invalid, match="not YAML"):
        propose(place)
    assert len(events(place)) == 1


# --- an administrator alone -------------------------------------------------------------------------------------------


@pytest.fixture
def settled(place: Office) -> Office:
    """The office sixty days later, when who may do what is settled."""
    place.wait(days=60)
    return place


def test_an_administrator_makes_no_authors_of_their_own(settled: Office) -> None:
    """Two people whom an administrator made authors today neither propose nor confirm; in thirty days they do."""
    digest = edit(settled)
    for login in ("puppet.one", "puppet.two"):
        hire(settled, login, Role.POLICY_AUTHOR)
    assert refused(lambda: propose(settled, "puppet.one")) == ("author-changed-lately",)
    propose(settled)
    assert refused(lambda: confirm(settled, digest, "puppet.two")) == ("author-changed-lately",)
    settled.wait(days=30, seconds=1)
    propose(settled, "puppet.one")
    assert confirm(settled, digest, "puppet.two") == digest


def test_an_administrator_does_not_sign_in_as_the_other_author(settled: Office) -> None:
    """An author whose password somebody has just set, or whose passkey they revoked, counts for nothing without one."""
    digest, people = edit(settled), settled.app.people
    people.set_password(settled[ROOT], settled[ANN], "known to the administrator", settled.at)
    propose(settled)
    assert refused(lambda: confirm(settled, digest)) == ("author-changed-lately",)
    settled.wait(days=30, seconds=1)
    propose(settled)
    assert confirm(settled, digest) == digest


def test_a_revoked_passkey_is_not_a_way_back_to_the_session(settled: Office) -> None:
    """Taking an author's passkey away does not make their password enough."""
    settled._enrol(settled[ROOT], ANN)
    settled.wait(days=40)
    digest = edit(settled)
    propose(settled)
    for held in settled.app.registry.person(settled[ANN]).credentials_of("passkey"):
        settled.app.people.revoke_credential(settled[ROOT], settled[ANN], held.id, "lost, they say", settled.at)
    assert refused(lambda: confirm(settled, digest)) == ("author-changed-lately",)


def test_in_the_first_days_of_a_ledger_everybody_is_new(place: Office) -> None:
    """While a desk is set up its authors count at once: whoever founds it chooses them anyway."""
    digest = edit(place)
    place.wait(days=10)
    hire(place, "new.author", Role.POLICY_AUTHOR)
    propose(place)
    assert confirm(place, digest, "new.author") == digest


# --- signatures -------------------------------------------------------------------------------------------------------


@pytest.fixture
def keyed(place: Office) -> Office:
    """The office, in which Ann has a passkey that counts, and the administrator has none."""
    place._enrol(place[ROOT], ANN)
    return place


def sign(office: Office, digest: str, *, by: str = ANN) -> str:
    """Have Ann confirm with a signature by the authenticator of *by*."""
    asked = office.app.activation.to_confirm(office[ANN], office.at)
    assert asked.options is not None
    answer = office.keys.passkeys[by].get(asked.options)
    return office.app.activation.activate(office[ANN], digest, "session of ann", office.at, assertion=answer)


def test_whoever_has_a_passkey_signs(keyed: Office) -> None:
    """Being signed in is not enough for an author with a passkey; the entry says how each of the two stood for it."""
    digest = edit(keyed)
    proposed = propose(keyed)
    assert refused(lambda: confirm(keyed, digest)) == ("unsigned",)
    assert sign(keyed, digest) == digest
    activated = keyed.app.registry.posture().activated
    assert activated is not None
    assert isinstance(proof_of(proposed.proof), SessionProof)
    proof = proof_of(activated.proof)
    assert isinstance(proof, SignedProof)
    (held,) = keyed.app.registry.person(keyed[ANN]).credentials_of("passkey")
    material = material_of(held)
    assert material is not None
    party = RelyingParty(id=material.rp_id, name="", origins=(keyed.origin,))
    checked = verify(
        proof, proposed.statement, log="example.test/office", material=material, party=party, purpose=AUTHORSHIP
    )
    assert checked.signature.namespace == "policy-activation@example.test/office"


@with_tools
def test_stock_tools_take_an_authors_signature(keyed: Office, tmp_path: Path) -> None:
    """`ssh-keygen -Y verify` accepts it over the stored statement, and over no other; `openssl` takes the raw bytes."""
    digest = edit(keyed)
    statement = propose(keyed).statement
    sign(keyed, digest)
    activated = keyed.app.registry.posture().activated
    assert activated is not None
    proof = proof_of(activated.proof)
    assert isinstance(proof, SignedProof)
    (held,) = keyed.app.registry.person(keyed[ANN]).credentials_of("passkey")
    material = material_of(held)
    assert material is not None
    party = RelyingParty(id=material.rp_id, name="", origins=(keyed.origin,))
    origin = keyed.app.ledger.origin
    signature = verify(proof, statement, log=origin, material=material, party=party, purpose=AUTHORSHIP).signature
    namespace = namespace_of(origin, AUTHORSHIP)
    signers = allowed_signer(keyed[ANN], signature.key, namespace, valid_after=keyed.at - timedelta(days=60))

    def accepted(message: str, within: str = namespace) -> bool:
        return ssh_accepts(
            tmp_path,
            signers=signers,
            principal=keyed[ANN],
            namespace=within,
            armour=signature.armour(),
            message=message.encode(),
            at=f"{keyed.at:%Y%m%d%H%M%SZ}",
        )

    assert accepted(statement)
    assert not accepted(statement.replace(digest[7:15], digest[8:16]))
    assert not accepted(statement, namespace_of(origin))
    assert openssl_accepts(tmp_path, signature, proof)


def test_the_first_author_signs_what_the_console_gave(keyed: Office) -> None:
    """The statement goes out and comes back whole; one that was changed, or grew old, is not taken."""
    edit(keyed)
    life, ann = keyed.app.activation, keyed[ANN]
    assert refused(lambda: propose(keyed, ANN)) == ("unsigned",)
    asked = life.to_propose(ann, keyed.at)
    assert asked.options is not None
    answer = keyed.keys.passkeys[ANN].get(asked.options)
    longer = asked.statement.replace("2026-11-24", "2026-11-29")
    assert longer != asked.statement
    assert refused(lambda: life.propose(ann, "s", keyed.at, statement=longer, assertion=answer)) == ("wrong_answer",)
    with pytest.raises(Invalid, match="no statement"):
        life.propose(ann, "s", keyed.at, statement="{}", assertion=answer)
    elsewhere = asked.statement.replace("example.test/office", "example.test/other")
    with pytest.raises(Conflict, match="not the one you looked at"):
        life.propose(ann, "s", keyed.at, statement=elsewhere, assertion=answer)
    proposed = life.propose(ann, "s", keyed.at, statement=asked.statement, assertion=answer)
    assert proposed.statement == asked.statement
    assert confirm(keyed, proposed.digest, ROOT) == proposed.digest


def test_another_key_or_another_purpose_signs_nothing(keyed: Office) -> None:
    """Somebody else's passkey, and a signature under which a recovery was approved, are refused."""
    digest = edit(keyed)
    propose(keyed)
    assert refused(lambda: sign(keyed, digest, by="boss.one")) == ("wrong_answer",)
    asked = keyed.app.activation.to_confirm(keyed[ANN], keyed.at)
    keys = keyed.app.registry.person(keyed[ANN]).credentials_of("passkey")
    for_recovery = signed_data(namespace_of(keyed.app.ledger.origin), asked.statement.encode())
    answer = keyed.keys.passkeys[ANN].get(keyed.app.passkey.sign_options(for_recovery, keys))
    activate = keyed.app.activation.activate
    assert refused(lambda: activate(keyed[ANN], digest, "s", keyed.at, assertion=answer)) == ("wrong_answer",)
    assert sign(keyed, digest) == digest


def test_a_young_passkey_counts_for_nothing(settled: Office) -> None:
    """A passkey that was enrolled for an author yesterday signs nothing, and asks for nothing either."""
    settled._enrol(settled[ROOT], ANN)
    digest = edit(settled)
    propose(settled)
    assert settled.app.activation.to_confirm(settled[ANN], settled.at).options is None
    assert confirm(settled, digest) == digest


# --- what came before, and what is kept -------------------------------------------------------------------------------


def test_the_founding_is_one_entry_and_says_so(place: Office) -> None:
    """The first policy is chosen by whoever founds the ledger, because nobody else is there yet."""
    (founding,) = events(place)
    assert isinstance(founding, PolicyActivated)
    assert founding.founding
    assert founding.proposer is None


def test_a_ledger_of_one_author_still_folds(place: Office) -> None:
    """An activation written before two authors were asked holds, and is told from a founding."""
    version = place.app.ledger.read(POLICY_STREAM)[-1].entry.version
    old = Draft(
        type="policy.activated",
        at=place.at,
        actor=place[ROOT],
        data={"digest": place.app.policy.digest, "by": place[ROOT]},
    )
    place.app.ledger.append((Append(stream=POLICY_STREAM, expected_version=version, drafts=(old,)),))
    activated = place.app.registry.posture().activated
    assert activated is not None
    assert (activated.by, activated.founding, activated.proposer) == (place[ROOT], False, None)
    place.open()


def test_the_text_of_the_active_policy_is_kept(place: Office) -> None:
    """Whatever becomes of the file, the ledger gives back exactly the files that were activated."""
    digest = edit(place)
    propose(place)
    confirm(place, digest)
    edit(place, "grant: 14m", "grant: 12m")
    named, texts = active_texts(place.app.steps)
    assert named == digest == digest_of(tuple(Source(file=name, text=text) for name, text in texts))
    assert [name for name, _ in texts] == list(FILES)


def test_evidence_of_a_case_names_both_authors(place: Office) -> None:
    """The bundle of a case holds the proposal and the confirmation of the policy it was opened under."""
    digest = edit(place)
    propose(place)
    confirm(place, digest)
    place.restart()
    case = place.open()
    hire(place, "iris.audit", Role.AUDITOR)
    bundle = place.app.dossier.collect(place["iris.audit"], case, place.at)
    types = [msgspec.json.decode(piece.raw)["type"] for piece in bundle.pieces]
    assert [t for t in types if t.startswith("policy.")] == ["policy.proposed", "policy.activated"]
    assert [name for name, _ in bundle.procedures] == sorted(FILES)


# --- a running case ---------------------------------------------------------------------------------------------------


def make_active(office: Office, old: str, new: str) -> str:
    """Edit the policy, have two authors activate it, and start again under it."""
    digest = edit(office, old, new)
    propose(office)
    confirm(office, digest)
    office.settings = load(office.home / "watchword.toml")
    office.restart()
    return digest


MILD = "    factor_reset:         {verify: [V2],      approve: A1,   hold: 0,   alert: L1, after: standard_factor}"
STRICT = MILD.replace("hold: 0, ", "hold: 9h,")
MILDER = MILD.replace("approve: A1,  ", "approve: none,")


def test_a_running_case_keeps_the_policy_it_was_opened_under(place: Office) -> None:
    """A laxer policy that is activated meanwhile takes nothing from a case that runs; it is done as it was asked."""
    opened_under = place.app.policy.digest
    case = place.open(action=Action.FACTOR_RESET, factors=("authenticator_app",))
    asked = place.case(case).requirement
    newer = make_active(place, MILD, MILDER)
    assert place.case(case).requirement == asked
    assert (asked.policy, newer == opened_under) == (opened_under, False)
    fresh = place.open("noah.berg", action=Action.FACTOR_RESET, factors=("authenticator_app",))
    assert (place.case(fresh).requirement.policy, place.case(fresh).requirement.approve) == (newer, None)
    place.prove(case, "passkey")
    place.prove(case, "mail_code")
    place.ask(case)
    assert refused(lambda: place.release(case))
    place.approve(case, "boss.one")
    place.release(case)
    place.run()
    assert isinstance(place.case(case), Delivered | Closed)


def test_a_running_case_is_only_raised_by_a_newer_policy(place: Office) -> None:
    """An escalation under a newer policy joins what both ask, and stays pinned to the digest of the opening."""
    opened_under = place.app.policy.digest
    case = place.open(action=Action.FACTOR_RESET, factors=("authenticator_app",))
    before = place.case(case).requirement
    make_active(place, MILD, STRICT)
    place.app.desk.decisions.escalate(place["ada.agent"], case, place.at)
    after = place.case(case).requirement
    assert (before.hold_s, after.hold_s) == (0, 9 * 3600)
    assert after.policy == opened_under
    assert any("policy" in why or "high" in why for why in after.raised)


def test_an_escalation_under_a_laxer_policy_lowers_nothing(place: Office) -> None:
    """A newer policy that asks for nobody's approval leaves the seats of a running case as they were."""
    case = place.open(action=Action.FACTOR_RESET, factors=("authenticator_app",))
    before = place.case(case).requirement
    make_active(place, MILD, MILDER)
    place.app.desk.decisions.escalate(place["ada.agent"], case, place.at)
    after = place.case(case).requirement
    assert before.approve is not None
    assert after.approve is not None
    assert len(after.approve.seats) >= len(before.approve.seats)
    assert set(before.separate) <= set(after.separate)
