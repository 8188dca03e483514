"""The composition root: one running Watchword, put together from what its settings name."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Self

import structlog

from watchword.adapters import TARGETS, directory_of, notifiers_of, outbox_of, outsiders_of, pagers_of, ways_of
from watchword.core.case import Case, Released
from watchword.core.errors import Corrupt, Invalid, Unavailable
from watchword.core.ids import PersonId
from watchword.core.own_page import APPROVER_KEY
from watchword.core.passkey import RelyingParty
from watchword.core.person import Kind, Role, RoleGrant
from watchword.core.standing import Thresholds
from watchword.desk.activation import Activation, found_policy
from watchword.desk.activity import ActivityTable
from watchword.desk.approver_keys import ApproverKeys
from watchword.desk.asks import Kind as EffectKind
from watchword.desk.ceremony import Ceremony
from watchword.desk.desk import Desk
from watchword.desk.dossier import Dossier
from watchword.desk.downtime import Downtimes
from watchword.desk.effects import Caps, Runner
from watchword.desk.enrolment import Enrolment
from watchword.desk.evidence import EvidenceTable
from watchword.desk.factors import Factors
from watchword.desk.followers import Names
from watchword.desk.guessing import Guessing
from watchword.desk.links import Links
from watchword.desk.notify import Notices
from watchword.desk.own_enrolment import OwnEnrolment
from watchword.desk.passes import Passes
from watchword.desk.people import GENESIS, People
from watchword.desk.prompts import Prompts
from watchword.desk.proofings import Proofings
from watchword.desk.recording import case_stream
from watchword.desk.registry import Registry
from watchword.desk.retention import EvidenceKeeper, Periods
from watchword.desk.roster import Roster
from watchword.desk.saved_codes import SavedCodes
from watchword.desk.self_service import SelfService
from watchword.desk.steps import Steps
from watchword.desk.tallies import Tallies
from watchword.desk.waking import METHOD as WOKEN
from watchword.desk.waking import Waking
from watchword.desk.workloads import Workloads
from watchword.directories.port import Directory
from watchword.directories.sandbox import Sandbox
from watchword.ledger.archive import Archive
from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.engines import REMEDY_GONE, demand_there
from watchword.ledger.leader import Follower, Ledger
from watchword.ledger.vault import KeyFile
from watchword.metering.desk import ask_desk
from watchword.metering.metrics import Metrics
from watchword.metering.watch import ask_outputs, ask_watch
from watchword.methods import push_number
from watchword.methods.passkey import Passkey
from watchword.methods.port import SendsPrompts
from watchword.methods.proofing import digest_of, reference_of
from watchword.notices.web_push import WebPush
from watchword.policy.bundle import PolicyFolder
from watchword.policy.check import demand_sound
from watchword.settings import EXAMPLE, Settings
from watchword.singing import Singing
from watchword.watch.findings import Findings
from watchword.watch.keeping import TROUBLE, Keeping
from watchword.watch.news import News
from watchword.watch.outputs.delivering import Delivering
from watchword.watch.verdicts import VerdictRow, latest_verdicts
from watchword.watch.whose import Whose
from watchword.watching import (
    ACTIVITY,
    EVIDENCE,
    POSITIONS,
    VERDICTS,
    Telling,
    Watching,
    acts_of,
    hits_of,
)

log = structlog.get_logger("watchword.app")

Clock = Callable[[], datetime]
"""Where the time comes from; read once per request, at the edge."""

RUNNER, EXECUTOR, PORTAL = "watchword-runner", "watchword-executor", "watchword-portal"
"""Logins of Watchword's own parts, which nobody can sign in as."""


def wall_clock() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class App:
    """One running Watchword: the ledger, the desk over it, and what follows."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock = wall_clock,
        caps: Caps | None = None,
        executes: bool = True,
        restoring: bool = False,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self._executes = executes
        self._following = threading.Lock()
        self.metrics = Metrics.of(settings)
        self.policy = folder_of(settings).read()
        freeze = self.policy.procedures.freeze
        thresholds = Thresholds(window_s=freeze.window_s, remote=freeze.close_remote, strongest=freeze.strongest_only)
        self.keys = KeyFile.load(settings.path(settings.ledger.key_file))
        self.signing_key = SigningKey.load(settings.path(settings.ledger.signing_key))
        demand_there(settings.database)
        self._held = ExitStack()
        try:
            self.ledger = Ledger.open(settings.database, self.signing_key, self.keys, settings.ledger.origin)
            self._held.callback(self.ledger.close)
            self.outsiders = outsiders_of(settings, self.ledger, self.signing_key)
            self._held.callback(self.outsiders.close)
            if not restoring:  # the ceremony is held because the ledger is not what witnesses saw
                self.outsiders.start()
            self._compose(thresholds, caps or Caps())
        except BaseException:
            self._held.close()
            raise

    def _compose(self, thresholds: Thresholds, caps: Caps) -> None:
        """Make every part, each after those it stands on: one list, to be read from the top."""
        settings = self.settings
        if not self.ledger.size:
            raise Unavailable("The ledger holds nothing: nobody has founded it, or its copy was empty.", REMEDY_GONE)
        self.names = Names()
        self.names.follow(self.ledger)
        self.directories: dict[str, Directory] = {}
        for part in settings.directories:
            directory = directory_of(part, settings.home, self.clock, executes=self._executes)
            if isinstance(directory, Sandbox):  # the others connect for each question
                self._held.callback(directory.close)
            self.directories[part.name] = directory
        self.registry = Registry(self.ledger, self.names, thresholds)
        party = RelyingParty(
            id=settings.console.rp_id, name="Watchword", origins=(settings.console.public_url.rstrip("/"),)
        )
        approvals = RelyingParty(
            id=settings.approvals_rp_id, name="Watchword approvals", origins=(settings.approvals_origin,)
        )
        ways = ways_of(settings, self.keys, party)
        self.passkey, self.totp, self.device, self.proofing_posts = ways.passkey, ways.totp, ways.device, ways.posts
        self.methods = {way.name: way for way in ways.every}
        runner, executor = (self.names.person(login) for login in (RUNNER, EXECUTOR))
        self.steps = Steps(
            ledger=self.ledger,
            policy=self.policy,
            directories=self.directories,
            registry=self.registry,
            runner=runner,
            executor=executor,
            sends=self._sends(),
            portal=self._portal(),
            country=settings.console.country,
            shared_numbers=settings.console.shared_numbers,
            party=approvals,
            clock=self.clock,
        )
        approving = Passkey(approvals)
        self.desk = Desk(self.steps, self.methods, approving, approvals)
        self.downtimes = Downtimes(self.steps, self.desk.intake)
        self.people, self.guessing = People(self.steps), Guessing(self.steps)
        if settings.console.self_service and self.steps.portal is None:
            self.steps.portal = self.people.register_part(PORTAL, "Self-service portal", self.clock())
        self.self_service = SelfService(self.desk, self.passkey)
        self.activation = Activation(self.steps, folder_of(settings), self.passkey, party)
        self.roster = Roster(self.steps)
        self.enrolment = Enrolment(self.people, self.roster, self.totp, self.passkey, self.device)
        own, saved, prompted, offered = (
            Links(self.steps, self.roster, purpose)
            for purpose in ("own-enrolment", "saved-codes", "prompts", APPROVER_KEY)
        )
        self.own_enrolment = OwnEnrolment(self.enrolment, own)
        self.saved_codes = SavedCodes(self.steps, saved, self.desk.hand_over, ways.saved)
        self.proofings = Proofings(
            self.people, self.roster, self.desk.hand_over, reference_of=reference_of, digest_of=digest_of
        )
        self.workloads = Workloads(self.people, self.roster, self.desk.intake, ways.issuers)
        self.prompts = Prompts(self.people, prompted, self.desk.verification, self.desk.objections, push_number)
        web = settings.web_push
        waker = WebPush(self.keys.derive("web-push"), web.contact, web.services) if web else None
        self.waking = Waking(self.prompts, waker) if waker else None
        self.factors = Factors(self.people, self.roster, TARGETS)
        self.lending = self.desk.lending
        self.passes = Passes(self.ledger)
        self.approver_keys = ApproverKeys(Enrolment(self.people, self.roster, self.totp, approving), offered)
        ledger = settings.ledger
        listed = settings.path(settings.watch.accounts) if settings.watch.accounts else None
        self.whose = Whose(self.names, tuple(self.directories), listed)
        self.findings = Findings(self.ledger, self.whose)
        self.keeper = EvidenceKeeper(
            self.steps,
            Periods(short=timedelta(days=ledger.short_days)),
            Archive(settings.path(ledger.archive), ledger.archive_key) if ledger.archive_key else None,
            others=self.findings.ended,
        )
        self.ceremony = Ceremony(self.steps)
        self.dossier = Dossier(self.steps, self.desk.approvals, self.outsiders)
        self.evidence = EvidenceTable(settings.path(Path(EVIDENCE)), self.registry, self.directories)
        self.activity = ActivityTable(settings.path(Path(ACTIVITY)))
        self.outbox = outbox_of(settings)
        if self.outbox is not None:
            self._held.callback(self.outbox.close)
        self.notices = Notices(self.desk, notifiers_of(settings, self.outbox), settings.console.language)
        self.pagers = pagers_of(settings, self.notices.notifiers.get("mail"))
        canary = settings.watch.canary
        self.canary: Singing | None = None
        if canary is not None and self._executes:
            self.canary = Singing(canary, self.directories[canary.directory], acts_of(settings), self.clock)
        news = News(settings.path(Path(VERDICTS)), hits_of(settings))
        self.keeping = Keeping(self.findings, news, settings.path(settings.watch.state) / TROUBLE)
        self.followers: tuple[Follower, ...] = (self.names, self.steps.cases, self.evidence, self.activity)
        if self.metrics is not None:
            self._measure(self.metrics)
        owner = f"{socket.gethostname()}/{os.getpid()}"
        self._owner, self._caps = owner, caps
        self.runner = self.runner_of(desk=True, executor=self._executes)

    def _measure(self, metrics: Metrics) -> None:
        tallies = Tallies()
        self.followers += (tallies,)
        self.ledger.timed = metrics.appends.observe
        ask_desk(
            metrics,
            self.clock,
            ledger=self.ledger,
            followers=self.followers,
            cases=self.steps.cases,
            tallies=tallies,
            registry=self.registry,
            findings=self.findings,
        )

    # The secrets of sources and outputs are read by whoever has a use for them: an executor alone holds none.

    @cached_property
    def watching(self) -> Watching:
        """The watch, as it is configured."""
        made = Watching(self.settings, self.clock)
        if self.metrics is not None and not self.settings.watch.apart:
            ask_watch(self.metrics, made, self.clock, self.settings.watch.feeds)
        return made

    @cached_property
    def telling(self) -> Telling:
        """Where verdicts and findings go, as it is configured."""
        return Telling(self.settings, self.clock, self.findings)

    def _portal(self) -> PersonId | None:
        """Who opens what people recover alone; None where that is off, or was never on."""
        on = self.settings.console.self_service and self.names.has_person(PORTAL)
        return self.names.person(PORTAL) if on else None

    def _sends(self) -> set[str]:
        """The methods whose challenge sends something."""
        sending = {
            way.name for way in self.methods.values() if way.contact is not None or isinstance(way, SendsPrompts)
        }
        return sending | ({WOKEN} if self.settings.web_push else set())

    def runner_of(self, *, desk: bool, executor: bool) -> Runner:
        """A runner for the desk's own effects, the executor's, or both."""
        kinds = (*(EffectKind.DESK if desk else ()), *(EffectKind.EXECUTOR if executor else ()))
        return Runner(
            self.desk,
            self.notices,
            pagers=self.pagers,
            waking=self.waking,
            owner=self._owner,
            demand_cosigned=self.outsiders.demand,
            kinds=kinds,
            caps=self._caps,
            told=self._count_effect,
        )

    def _count_effect(self, kind: str, outcome: str) -> None:
        if self.metrics is not None:
            self.metrics.effects.labels(kind, outcome).inc()

    def delivering(self) -> Delivering:
        """The outputs at work, while a `with` lasts."""
        if self.metrics is not None:
            places = self.settings.path(Path(VERDICTS)), self.settings.path(Path(POSITIONS))
            ask_outputs(self.metrics, self.settings.watch.outputs, *places)
        return Delivering(self.telling.deliveries, self.settings.path(Path(POSITIONS)), self.clock)

    @property
    def simulated(self) -> bool:
        """Whether any directory is a simulation, which every page then says."""
        return any(d.simulated for d in self.directories.values())

    def waits_for_witnesses(self, case: Case) -> bool:
        """Whether *case* is released, and its change waits until enough witnesses have cosigned that."""
        if type(case) is not Released or not case.requirement.cosigned:
            return False
        released = [e.seq for e in self.ledger.read(case_stream(case.id)) if e.entry.type == "case.released"]
        return not self.outsiders.covers(released[-1])

    def tick(self) -> int:
        """Do what is due and bring the read models up to date; returns how many effects were done."""
        done = self.runner.drain(self.clock())
        self.follow()
        self.outsiders.ask(self.clock())
        return done

    def follow(self) -> None:
        """Bring every read model up to the ledger's end."""
        with self._following:
            for follower in self.followers:
                follower.follow(self.ledger)

    def watch(self) -> tuple[VerdictRow, ...]:
        """Read what the directories' logs gained and judge it; returns what is new or revised."""
        rows = () if self.settings.watch.apart else self.watching.step()
        self.find()
        return rows

    def find(self) -> None:
        """Have what the watch said, here or in a process of its own, and what its signals found, join findings.

        After a start all of it is taken again, which changes nothing; what can not be taken now is taken the next time.
        """
        self.keeping.take(self.clock())

    def board(self) -> tuple[VerdictRow, ...]:
        """The latest verdict on every identity event, newest first."""
        folder = self.settings.path(Path(VERDICTS))
        if not folder.is_dir():
            return ()
        return tuple(sorted(latest_verdicts(folder), key=lambda row: row.at, reverse=True))

    def run(self, runner: Runner, stop: threading.Event, pause_s: float = 0.5, *, watches: bool = True) -> None:
        """Do what is due until *stop*, and follow the logs; a corrupt ledger ends it, an absent system does not."""
        self.outsiders.keep_asking(self.clock)
        following = threading.Thread(target=self._keep_watching, args=(stop, pause_s), name="watch", daemon=True)
        if watches:
            following.start()
        try:
            self._keep_running(runner, stop, pause_s)
        finally:
            stop.set()
            if watches:
                following.join(30)

    def _keep_watching(self, stop: threading.Event, pause_s: float) -> None:
        try:
            if self.settings.watch.apart:
                while not stop.wait(pause_s):
                    self.keeping.step(self.clock())
            else:
                self.watching.run(stop, pause_s, after=lambda _: self.keeping.step(self.clock()))
        except Corrupt as fault:  # told by the log; the desk goes on, and evidence waits for a watch that is mended
            log.critical("watch.stopped", why=fault.what)

    def _keep_running(self, runner: Runner, stop: threading.Event, pause_s: float) -> None:
        while not stop.is_set():
            try:
                if self.outsiders.fault is not None:
                    raise self.outsiders.fault
                busy = runner.drain(self.clock(), limit=100)
                self.follow()
                if self.canary is not None:
                    self.canary.keep_singing()
            except Corrupt:
                log.critical("runner.stopped", why="the ledger does not hold together")
                stop.set()
                raise
            except Unavailable as fault:
                log.warning("runner.waits", why=fault.what)
                busy = 0
            if not busy:
                stop.wait(pause_s)

    def close(self) -> None:
        """Let go of everything."""
        if "watching" in self.__dict__:
            self.watching.close()
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def folder_of(settings: Settings) -> PolicyFolder:
    """Where the policy of *settings* lies."""
    return PolicyFolder(settings.path(settings.policy) if settings.policy else None)


def init(home: Path, *, origin: str, url: str = "sqlite:///ledger.db", port: int = 8787) -> Path:
    """Make `watchword.toml`, keys and their folder in *home*; refuse to touch a file that is there."""
    config = home / "watchword.toml"
    if config.exists():
        raise Invalid(f"{config} is there already.", "Remove it first, or choose another folder.", where="home")
    home.mkdir(parents=True, exist_ok=True)
    (home / "keys").mkdir(mode=0o700, exist_ok=True)
    SigningKey.generate(origin).save(home / "keys" / "signing.key")
    KeyFile.create(home / "keys" / "payload.keys")
    config.write_text(EXAMPLE.format(origin=origin, url=url, port=port))
    return config


def found(settings: Settings, *, administrator: str, password: str, at: datetime) -> tuple[PersonId, str]:
    """Genesis: Watchword's own parts, the first administrator, and the active policy. Once, and never again."""
    keys = KeyFile.load(settings.path(settings.ledger.key_file))
    signing_key = SigningKey.load(settings.path(settings.ledger.signing_key))
    policy = folder_of(settings).read()
    demand_sound(policy)  # before anything is written: a shared database would keep a ledger founded by half
    ledger = Ledger.open(settings.database, signing_key, keys, settings.ledger.origin)
    try:
        names = Names()
        registry = Registry(ledger, names, Thresholds())
        steps = Steps(ledger=ledger, policy=policy, directories={}, registry=registry, runner=GENESIS, executor=GENESIS)
        people = People(steps)
        for login, name in ((RUNNER, "Watchword runner"), (EXECUTOR, "Watchword executor")):
            person = people.register(GENESIS, login=login, name=name, kind=Kind.SYSTEM, unit="", at=at)
        people.grant(GENESIS, person, RoleGrant(role=Role.EXECUTOR), at)
        first = people.register(GENESIS, login=administrator, name=administrator, kind=Kind.EMPLOYEE, unit="", at=at)
        for role in (Role.ADMINISTRATOR, Role.POLICY_AUTHOR):
            people.grant(GENESIS, first, RoleGrant(role=role), at)
        people.set_password(GENESIS, first, password, at)
        return first, found_policy(steps, GENESIS, at)
    finally:
        ledger.close()
