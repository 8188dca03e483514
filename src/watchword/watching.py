"""What the settings say of the watch, as its parts: the feeds it follows, who is asked, and who may call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import duckdb
import structlog

from watchword.core.errors import Corrupt, Invalid, Unavailable, WatchwordError
from watchword.feeds import (
    EntraSource,
    FolderSource,
    GoogleSource,
    KeycloakSource,
    OktaHookSource,
    OktaSource,
    OutputPart,
    Source,
    SsfPollSource,
    SsfPushSource,
    TailSource,
    WebhookSource,
)
from watchword.ledger.keyfiles import read_private
from watchword.settings import Settings, WatchPart
from watchword.watch.cells import Enforced
from watchword.watch.follow import Follow, Followed, Tick
from watchword.watch.formats.security_events import Signer, key_of
from watchword.watch.news import write_hits
from watchword.watch.outputs.delivery import Delivery, Queue
from watchword.watch.outputs.http import Elastic, HttpOutput, SignalsPush, Splunk, Webhook
from watchword.watch.outputs.managed import SignalsStream
from watchword.watch.outputs.polling import SignalsPoll
from watchword.watch.outputs.port import Output
from watchword.watch.outputs.streams import LinesFile, ParquetFolder, SyslogTls
from watchword.watch.printable import printable
from watchword.watch.providers import provider_named
from watchword.watch.pulse import Pulse
from watchword.watch.sigma import read_rules
from watchword.watch.signals import SHIPPED, Signal, read_signals
from watchword.watch.sources.canary import Canary
from watchword.watch.sources.entra import EntraLogs
from watchword.watch.sources.folder import Folder
from watchword.watch.sources.google import GoogleReports
from watchword.watch.sources.hooks import HmacHook, OktaHook
from watchword.watch.sources.keycloak import KeycloakEvents
from watchword.watch.sources.okta import OktaLog
from watchword.watch.sources.port import Local, Poller, Told
from watchword.watch.sources.pull import Pull
from watchword.watch.sources.spool import Spool
from watchword.watch.sources.ssf import Keys, PollReceiver, PushReceiver, Receiver
from watchword.watch.sources.tail import Tail
from watchword.watch.sources.web import Web
from watchword.watch.tenants import demand_tenants_told
from watchword.watch.unpacking import Unpacking
from watchword.watch.verdicts import VerdictRow
from watchword.watch.whose import Whose

log = structlog.get_logger("watchword.watching")

EVIDENCE = "evidence.parquet"
VERDICTS = "verdicts"
ACTIVITY = "activity"
POSITIONS = "outputs"

_TENANTS = "Name those that it is of as `tenants` of the source: others' events are then kept aside, and not judged."

Called = OktaHook | HmacHook | PushReceiver
"""A feed that is called."""

Clock = Callable[[], datetime]


class Watching:
    """The watch of one installation. Making it opens no log and asks nobody.

    `Invalid` for settings that can not work, `Unavailable` from `step` while another process follows.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._stop = threading.Event()
        self._pulling: list[threading.Thread] = []
        self._webs: list[Web] = []
        self.spools: dict[str, Spool] = {}
        self.calls: dict[str, Called] = {}
        self.pulls: dict[str, Pull] = {}
        self._feeds: list[Followed] = []
        self._follow: Follow | None = None
        self.heard: Callable[[Tick, tuple[VerdictRow, ...]], None] | None = None
        """Told what each step did, and what was new or revised."""
        self._stepping = threading.Lock()  # one step of the watch at a time
        for name, source in settings.watch.feeds.items():
            try:
                self._add(name, source)
            except Invalid as fault:
                raise Invalid(fault.what, fault.remedy, f"watch.sources.{name}: {fault.where}".rstrip(": ")) from fault

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def follow(self) -> Follow:
        """What judges; `Unavailable` while another process has its state."""
        if self._follow is None:
            settings = self._settings
            self._follow = Follow(
                tuple(self._feeds),
                settings.path(settings.watch.state),
                settings.path(Path(VERDICTS)),
                settings.path(Path(EVIDENCE)),
                clock=self._clock,
                canary=self._canary(),
                accounts=self._named(settings.watch.accounts),
                tickets=self._named(settings.watch.tickets),
                enforced=enforced_of(settings.watch),
                signals=signals_of(settings),
                activity=settings.path(Path(ACTIVITY)),
                sigma=read_rules(settings.path(settings.watch.sigma)).rules if settings.watch.sigma else (),
            )
        return self._follow

    @property
    def pulses(self) -> dict[str, Pulse]:
        """How each feed is, by its name; none while nothing is followed."""
        return {} if self._follow is None else self._follow.pulses

    def _named(self, file: Path | None) -> Path | None:
        return None if file is None else self._settings.path(file)

    def start(self) -> None:
        """Begin to ask the services that are asked, each in a thread of its own, until `close`."""
        for pull in self.pulls.values():
            thread = threading.Thread(target=pull.run, args=(self._stop,), name=f"watch-{pull.name}", daemon=True)
            thread.start()
            self._pulling.append(thread)

    def step(self, told: tuple[Told, ...] = ()) -> tuple[VerdictRow, ...]:
        """One step of the watch, if there is anything to follow; returns what is new or revised."""
        if not self._feeds:
            return ()
        at = self._clock()
        with self._stepping:
            try:
                failing = tuple(one for pull in self.pulls.values() for one in pull.told(at))
                before = self.follow.hits
                rows = self.follow.step(at, (*failing, *told))
                if self.follow.hits is not before:
                    write_hits(hits_of(self._settings), self.follow.hits)
                for name, said in self.follow.mixed:
                    log.warning("watch.tenants", source=name, told=printable(said), remedy=_TENANTS)
            except WatchwordError:
                raise
            except Exception as error:
                # Such as a full disk, or a fault nobody foresaw: what is remembered is opened anew, as after a kill.
                if not isinstance(error, duckdb.Error | OSError):
                    log.exception("watch.fault")
                if self._follow is not None:
                    with suppress(duckdb.Error):
                        self._follow.close()
                    self._follow = None
                raise Unavailable(
                    f"The watch can not go on: {error}.", "It tries again; look at the disk and the log."
                ) from error
            if self.heard is not None:
                self.heard(self.follow.tick, rows)
            return rows

    def run(self, stop: threading.Event, pause_s: float = 0.5, after: Callable[[Follow], None] | None = None) -> None:
        """Step until *stop*, *after* each; `Corrupt` ends it, what can not be read now does not."""
        self.start()
        while not stop.is_set():
            try:
                self.step()
            except Corrupt as fault:
                log.critical("watch.stopped", why=fault.what)
                raise
            except WatchwordError as fault:
                log.warning("watch.waits", why=str(fault))
                stop.wait(5 * pause_s)
                continue
            if after is not None and self._follow is not None:
                after(self._follow)
            if self._follow is None or not self._follow.tick.behind:
                stop.wait(pause_s)

    def close(self) -> None:
        """Stop asking and let go of everything."""
        self._stop.set()
        for thread in self._pulling:
            thread.join(5)
        with self._stepping:
            if self._follow is not None:
                self._follow.close()
        for web in self._webs:
            web.close()

    def _canary(self) -> Canary | None:
        if (part := self._settings.watch.canary) is None:
            return None
        within, every = timedelta(seconds=part.within_s), timedelta(seconds=part.every_s)
        return Canary(acts_of(self._settings), within, every, Whose(file=self._named(self._settings.watch.accounts)))

    def _add(self, name: str, source: Source) -> None:
        spool = Spool(self._settings.path(self._settings.watch.spools) / name)
        self.spools[name] = spool
        local: Local | None = None
        match source:
            case TailSource():
                local = Tail(self._settings.path(source.path))
            case FolderSource():
                local = Folder(
                    self._settings.path(source.path),
                    provider_named(source.provider),
                    source.pattern,
                    unpacking_of(self._settings.watch),
                )
            case OktaHookSource():
                self.calls[name] = OktaHook(spool, self._secret(source.secret_file))
            case WebhookSource():
                self.calls[name] = HmacHook(
                    spool,
                    self._secret(source.secret_file),
                    header=source.header,
                    prefix=source.prefix,
                    timestamp=source.timestamp,
                    tolerance=timedelta(seconds=source.tolerance_s),
                    member=source.member,
                )
            case SsfPushSource():
                secret = self._secret(source.secret_file) if source.secret_file else None
                self.calls[name] = PushReceiver(self._receiver(source, spool), secret)
            case _:
                every = timedelta(seconds=source.every_s)
                self.pulls[name] = Pull(name, self._poller(source, spool), spool, every, self._clock)
        provider = provider_named(source.log_of)
        demand_tenants_told(provider, source.tenants)
        self._feeds.append(
            Followed(
                name=name,
                provider=provider,
                spool=spool,
                directory=source.directory or self._only_directory(),
                source=local,
                quiet=source.quiet,
                share=source.strange_share,
                tenants=source.tenants,
            )
        )

    def _poller(self, source: Source, spool: Spool) -> Poller:
        assert isinstance(source, OktaSource | EntraSource | GoogleSource | KeycloakSource | SsfPollSource)
        web = self._web(source.ca_file)
        if isinstance(source, SsfPollSource):
            token = self._secret(source.token_file) if source.token_file else None
            return PollReceiver(web, source.url, self._receiver(source, spool), token)
        backfill = timedelta(days=source.backfill_days)
        overlap = None if source.overlap_s is None else timedelta(seconds=source.overlap_s)
        match source:
            case OktaSource():
                return OktaLog(web, source.url, self._secret(source.token_file), backfill=backfill, overlap=overlap)
            case EntraSource():
                return EntraLogs(
                    web,
                    source.tenant,
                    source.client_id,
                    self._secret(source.client_secret_file),
                    logs=source.logs,
                    graph=source.graph,
                    login=source.login,
                    backfill=backfill,
                    overlap=overlap,
                    late=timedelta(days=source.late_days),
                )
            case GoogleSource():
                return GoogleReports(
                    web,
                    read_private(self._settings.path(source.key_file)),
                    source.subject,
                    applications=source.applications,
                    api=source.api,
                    backfill=backfill,
                    overlap=overlap,
                    late=timedelta(days=source.late_days),
                )
            case KeycloakSource():
                return KeycloakEvents(
                    web,
                    source.url,
                    source.realm,
                    source.client_id,
                    self._secret(source.client_secret_file),
                    backfill=backfill,
                    overlap=overlap,
                )

    def _receiver(self, source: SsfPushSource | SsfPollSource, spool: Spool) -> Receiver:
        if source.jwks is not None:
            file = self._settings.path(source.jwks)
            keys = Keys(file.read_bytes)
        else:
            web, url = self._web(source.ca_file), str(source.jwks_url)
            keys = Keys(lambda: web.ask("GET", url).body)
        return Receiver(spool, source.issuer, source.audience, keys, algorithms=source.algorithms)

    def _web(self, ca_file: Path | None) -> Web:
        web = Web(self._clock, ca_file=str(self._settings.path(ca_file)) if ca_file else None)
        self._webs.append(web)
        return web

    def _only_directory(self) -> str | None:
        names = [part.name for part in self._settings.directories]
        return names[0] if len(names) == 1 else None

    def _secret(self, file: Path) -> str:
        return read_private(self._settings.path(file)).decode().strip()


class Telling:
    """Where the verdicts and *findings* of one installation go; making it sends nothing.

    `Invalid` for settings that can not work.
    *polled* has each stream of security events that may be polled, with the token of its receiver, and *managed* those
    that their receivers set up themselves; *signers* sign them.
    """

    def __init__(self, settings: Settings, clock: Clock, findings: Queue) -> None:
        self._settings, self._clock, self._findings = settings, clock, findings
        self.polled: dict[str, tuple[SignalsPoll | SignalsStream, str]] = {}
        self.managed: dict[str, tuple[SignalsStream, str]] = {}
        self.signers: list[Signer] = []
        places = settings.path(Path(VERDICTS)), settings.path(Path(POSITIONS))
        signals = {signal.name: signal for signal in signals_of(settings)} if settings.watch.outputs else {}
        self.deliveries = tuple(
            Delivery(
                name,
                self._output(name, part),
                *places,
                everything=part.everything,
                findings=findings,
                signals=signals,
            )
            for name, part in settings.watch.outputs.items()
        )

    def _output(self, name: str, part: OutputPart) -> Output:
        """Where one output goes."""
        token = self._secret(part.token_file) if part.token_file else None
        ca_file = str(self._settings.path(part.ca_file)) if part.ca_file else None
        url, path = part.url or "", self._settings.path(part.path or Path())
        match part.kind:
            case "splunk":
                return HttpOutput(Splunk(url=url, token=token or ""), ca_file=ca_file)
            case "elastic":
                return HttpOutput(Elastic(url=url, token=token), ca_file=ca_file)
            case "webhook":
                secret = self._secret(part.secret_file).encode() if part.secret_file else b""
                return HttpOutput(Webhook(url=url, secret=secret, clock=self._clock), ca_file=ca_file)
            case "syslog":
                return SyslogTls(part.host or "", part.port, ca_file=ca_file, shape=part.format or "syslog")
            case "lines":
                return LinesFile(path, part.format or "jsonl")
            case "parquet":
                return ParquetFolder(path)
            case "signals-push":
                return HttpOutput(SignalsPush(url=url, signer=self._signer(part), token=token), ca_file=ca_file)
            case "signals-poll":
                stream = SignalsPoll(self._settings.path(Path(POSITIONS)) / name, self._signer(part))
                self.polled[name] = (stream, token or "")
                return stream
            case "signals":
                folder = self._settings.path(Path(POSITIONS)) / name
                managed = SignalsStream(folder, self._signer(part), origin=part.url, ca_file=ca_file)
                self.polled[name] = self.managed[name] = (managed, token or "")
                return managed

    def _signer(self, part: OutputPart) -> Signer:
        """Who signs the security events of one output."""
        file = self._settings.path(part.key_file or Path())
        made = Signer(
            key=key_of(read_private(file), file),
            issuer=self._settings.console.public_url.rstrip("/"),
            audience=part.audience or "",
            issuers=part.issuers,
            clock=self._clock,
            against=self._findings.against,
        )
        self.signers.append(made)
        return made

    def _secret(self, file: Path) -> str:
        return read_private(self._settings.path(file)).decode().strip()


def signals_of(settings: Settings) -> tuple[Signal, ...]:
    """The signals that come along, and those of *settings*, with their thresholds."""
    part = settings.watch
    own = (settings.path(part.signals),) if part.signals else ()
    return read_signals(SHIPPED, *own, settings=part.thresholds)


def enforced_of(part: WatchPart) -> tuple[Enforced, ...]:
    """The cells where a case is owed."""
    return tuple(Enforced(**cell.model_dump()) for cell in part.enforce)


def unpacking_of(part: WatchPart) -> Unpacking:
    """What a compressed file may unpack to."""
    return Unpacking(most=part.unpack_mib << 20, ratio=part.unpack_ratio)


def acts_of(settings: Settings) -> Path:
    """Where the canary's acts are written down."""
    return settings.path(settings.watch.state) / "canary.json"


def hits_of(settings: Settings) -> Path:
    """Where it is written what the signals found when they last looked."""
    return settings.path(settings.watch.state) / "hits.json"
