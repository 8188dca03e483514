"""The story: ten scenes, told on the terminal, played through the API. Each scene says what must come of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.markup import escape

from watchword.cli.demo.cast import Caller, Failed, Staff, awaited
from watchword.cli.demo.stage import Stage
from watchword.cli.heatmap_table import table
from watchword.core.action import Action
from watchword.core.errors import Refused, WatchwordError
from watchword.desk.exposure import known_to, spoken
from watchword.ledger.bundle import check
from watchword.policy.attack import attacks_on, prove
from watchword.policy.thresholds import misses
from watchword.watch.verdicts import VerdictRow

NOTHING: Mapping[str, Any] = MappingProxyType({})

STAFF = (
    "ines.desk",
    "theo.desk",
    "vic.check",
    "xena.run",
    "yuri.iam",
    "zoe.soc",
    "ada.review",
    "carl.glass",
    "dora.glass",
    "vera.quill",
)
"""Who signs in."""


class Story:
    """Plays and tells; counts what came out as it must."""

    def __init__(self, stage: Stage, url: str, console: Console) -> None:
        self.stage = stage
        self.url = url
        self.console = console
        self.held = 0
        self.signed = ""
        self.bundle = stage.home
        self.cast: dict[str, Staff] = {login: stage.staff(url, login) for login in STAFF}

    # --- telling ---------------------------------------------------------------------------------------------------

    def scene(self, number: int, title: str) -> None:
        """Begin a scene."""
        self.console.print(f"\n[bold reverse] {number} [/] [bold]{escape(title)}[/]")

    def tell(self, who: str, what: str) -> None:
        """One line of what somebody does."""
        self.console.print(f"    [cyan]{escape(who)}[/] {escape(what)}")

    def must(self, holds: bool, what: str) -> None:
        """Say what came of it; raise `Failed` when it is not what must come of it."""
        if not holds:
            self.console.print(f"    [bold red]✘ {escape(what)}[/]")
            raise Failed(what)
        self.held += 1
        self.console.print(f"    [green]✔ {escape(what)}[/]")

    def refused(self, what: str, attempt: Callable[[], Any], *reasons: str) -> None:
        """An attempt that must be refused, for one of *reasons* where any is named."""
        try:
            attempt()
        except Refused as fault:
            told = ", ".join(fault.reasons)
            self.must(not reasons or any(r in told for r in reasons), f"refused: {what} ({told})")
            return
        except WatchwordError as fault:
            raise Failed(f"{what}: {fault}") from fault
        self.must(False, f"{what} was let through")

    def verdict(self, case: str | None, of: Callable[[VerdictRow], bool]) -> VerdictRow:
        """Wait until the watch has judged an event that *of* describes."""

        def judged() -> VerdictRow | None:
            return next((r for r in self.stage.app.board() if of(r) and (case is None or r.case == case)), None)

        return awaited(judged, "the watch saw no such event in the directory's log")

    # --- the scenes ------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """All of them, in order."""
        self.good_reset()
        self.executive()
        self.comes_back()
        self.two_steps()
        self.widened()
        self.not_me()
        self.straight_in_the_directory()
        self.break_glass()
        self.the_evidence()
        self.the_proof()

    def good_reset(self) -> None:
        """A standard account, proven with a passkey: no approval, and nobody at the desk sees a password."""
        self.scene(1, "A good reset: Mara forgot her password and has her passkey")
        ines, xena = self.cast["ines.desk"], self.cast["xena.run"]
        mara = self.stage.caller(self.url, "mara.lind")
        case = self._open(ines, "mara.lind", "password_reset", "INC-1001", "back from leave, forgot the password")
        begun = ines.do(case, "methods", method="passkey")
        mara.follow(ines.look(case))
        self.tell("Ines", "begins the passkey; Mara touches her key on her own page")
        mara.answer(begun["challenge"], mara.assertion(begun["challenge"]))
        self.must(ines.until(case, "releasable") == "releasable", "verification holds; nothing else is asked for")
        xena.do(case, "release")
        self.tell("Xena", "releases it; the executor acts once Mara's browser has made a key")
        password = self._take(mara, "passkey")
        self._signs_in("mara.lind", password)
        ines.do(case, "close")
        row = self.verdict(case, lambda r: r.action == "password.reset")
        self.must(row.verdict == "verified", f"the directory's own log of it is verified: entries {list(row.leaves)}")

    def executive(self) -> None:
        """Approvals and a waiting time, because none of his methods waives it."""
        self.scene(2, "An executive, in person: two approvals, and an hour of waiting")
        if not self.stage.keeps_factors:
            self.console.print("    [dim]this directory keeps no factors, so it is an unlock: one approval, no wait[/]")
            self.stage.lock("oskar.brandt")
        vic, xena = self.cast["vic.check"], self.cast["xena.run"]
        case = self._open(self.cast["ines.desk"], "oskar.brandt", *self._guarded("INC-1002", "lost the security key"))
        self._in_person(vic, case, "oskar.brandt")
        self.refused("the verifier approves", lambda: vic.approve(case), "sod-")
        self.tell("Vera", "his manager, signs exactly this request with her passkey")
        self.cast["vera.quill"].sign(case)
        if self.stage.keeps_factors:
            self.tell("Yuri", "on IAM duty, signs it as well")
            self.cast["yuri.iam"].sign(case)
            self._waits(vic, xena, case)
        vic.until(case, "releasable")
        xena.do(case, "release")
        state = vic.until(case, "delivered", "failed")
        self.must(state == "delivered", "it is done, and the directory says so when it is read back")
        row = self.verdict(case, lambda r: r.verdict == "verified")
        self.must(len(row.leaves) > 5, f"verified: ticket, proofs, approvals, release, receipt: {list(row.leaves)}")
        self.signed = case

    def _waits(self, vic: Staff, xena: Staff, case: str) -> None:
        vic.until(case, "holding")
        vic.until_told(case)
        self.refused("released before the hour is over", lambda: xena.do(case, "release"), "hold")
        self.console.print("    [magenta]… an hour passes, on the story's clock …[/]")
        self.stage.clock.skip(timedelta(hours=1, seconds=5))

    def _guarded(self, ticket: str, reason: str) -> tuple[str, str, str, dict[str, str | list[str]]]:
        """A request that needs presence, approval and waiting, by what the directory can do."""
        if self.stage.keeps_factors:
            return "factor_reset", ticket, reason, {"factors": ["security_key"]}
        return "unlock", ticket, reason, {"situation": "after_hours"}

    def comes_back(self) -> None:
        """Wrong answers stick to the account, whoever the agent is."""
        self.scene(3, "A caller fails, and comes back through another agent")
        ines, theo = self.cast["ines.desk"], self.cast["theo.desk"]
        stranger = self.stage.caller(self.url, "tom.ashby")
        for agent, name, ticket in ((ines, "Ines", "INC-1003"), (theo, "Theo", "INC-1004"), (ines, "Ines", "INC-1005")):
            case = self._open(agent, "tom.ashby", "password_reset", ticket, "in a hurry, new phone")
            stranger.follow(agent.look(case))
            begun = agent.do(case, "methods", method="totp")
            for _ in range(3):
                self._wrong(stranger, begun["challenge"])
            self.tell(name, "asks for the app's code; three wrong ones end the challenge")
        last = self._open(theo, "tom.ashby", "password_reset", "INC-1006", "please, my flight leaves")
        self.refused(
            "a fourth try, by another agent", lambda: theo.do(last, "methods", method="totp"), "frozen", "origin"
        )

    def two_steps(self) -> None:
        """Nobody alone: a person with two roles holds both, and still takes one step of a case."""
        self.scene(4, "One person tries two steps")
        yuri, vic = self.cast["yuri.iam"], self.cast["vic.check"]
        action, ticket, reason, more = self._guarded("INC-1007", "new phone")
        if self.stage.keeps_factors:
            more = {"factors": ["authenticator_app"]}
        case = self._open(yuri, "paul.mint", action, ticket, reason, more)
        self._in_person(vic, case, "paul.mint")
        self.tell("Yuri", "took the request in and is on IAM duty as well")
        self.refused("Yuri approves what he took in", lambda: yuri.approve(case), "sod-")
        self.refused("Vic approves what he verified", lambda: vic.approve(case), "sod-")
        yuri.do(case, "withdraw", why="Paul found his old password")

    def widened(self) -> None:
        """What was approved is what is done."""
        self.scene(5, "An approved change that somebody wants to widen")
        ines, xena = self.cast["ines.desk"], self.cast["xena.run"]
        ben = self.stage.caller(self.url, "ben.carver")
        case = self._open(ines, "ben.carver", "password_reset", "INC-1008", "locked out of the laptop")
        ben.follow(ines.look(case))
        method = self._remotely(ines, ben, case, "ben.carver")
        ines.until(case, "releasable")
        asked = ines.look(case)["typed_changes"]
        wider = [*asked, {"kind": "reset_factors", "account": asked[0]["account"], "factors": []}]
        self.refused(
            "the release is asked to remove his factors as well",
            lambda: xena.do(case, "release", changes=wider),
            "wider_than_approved",
        )
        xena.do(case, "release", changes=asked)
        self.stage.clock.skip(timedelta(seconds=35))  # the app's next code: each counts once
        self._signs_in("ben.carver", self._take(ben, method))
        ines.do(case, "close")

    def not_me(self) -> None:
        """One voice stops a case, a second one ends it, and nobody is locked out of what nothing happened to."""
        self.scene(6, "“Not me”: the person hears of a recovery they did not ask for")
        ines, theo, xena, zoe = (self.cast[login] for login in ("ines.desk", "theo.desk", "xena.run", "zoe.soc"))
        amy = self.stage.caller(self.url, "amy.frost")
        case = self._open(ines, "amy.frost", "password_reset", "INC-1011", "says she is Amy, and in a hurry")
        amy.follow(ines.look(case))
        self._remotely(ines, amy, case, "amy.frost")
        ines.until(case, "releasable")
        self.tell("somebody", "had all of that: Amy's unlocked phone, as it turns out")
        self.tell("Amy", "walks up to Theo: it was not her who called")
        theo.do(case, "object", said="stands here with her badge, and did not call")
        self.must(ines.look(case)["state"] == "paused", "the case stands still at the first voice")
        self.refused("it is released all the same", lambda: xena.do(case, "release"))
        self.refused("Theo, who heard it, lets it go on", lambda: theo.do(case, "lift", why="she changed her mind"))
        zoe.do(case, "object", said="called her back on the number of record: not her")
        self.must(
            zoe.look(case)["state"] == "contained", "a second voice ends it; nothing was changed in the directory"
        )

    def straight_in_the_directory(self) -> None:
        """No case, so nothing speaks for it."""
        self.scene(7, "A reset made straight in the directory")
        self.tell("somebody", "with administrator's rights resets Cleo's password, and opens no case")
        started = time.monotonic()
        self.stage.reset_by_hand("cleo.hart")
        row = self.verdict(None, lambda r: r.action == "password.reset" and r.verdict in ("unverified", "suspicious"))
        took = time.monotonic() - started
        self.must(row.case is None, f"{row.verdict.value} within {took:.1f} s: {row.why}")

    def break_glass(self) -> None:
        """An emergency has its own procedure, and owes a review."""
        self.scene(8, "Break-glass: an outage, and the only administrator is locked out")
        carl, dora, xena = self.cast["carl.glass"], self.cast["dora.glass"], self.cast["xena.run"]
        ines, ada = self.cast["ines.desk"], self.cast["ada.review"]
        case = self._open(ines, "sam.kernel", "unlock", "INC-1009", "core switches down", {"situation": "outage"})
        self.stage.lock("sam.kernel")
        carl.do(case, "break-glass", why="core network down, no administrator can sign in")
        self.refused("Carl, who broke the glass, agrees with himself", lambda: carl.approve(case))
        dora.approve(case)
        self.tell("Dora", "the second custodian, agrees; Xena releases")
        xena.do(case, "release")
        self.must(carl.until(case, "delivered", "failed") == "delivered", "the account is unlocked")
        owed = ada.look(case)["review_due"]
        self.must(owed is not None, f"a review is owed by {str(owed)[:16]}")
        other = self._open(ines, "rhea.root", "unlock", "INC-1010", "still down", {"situation": "outage"})
        self.refused(
            "a second use while the first is not reviewed",
            lambda: dora.do(other, "break-glass", why="still down"),
            "unreviewed",
        )
        ada.do(case, "review", sound=True, words="outage confirmed with operations, unlock was needed")
        self.must(ada.look(case)["reviewer"] == "ada.review", "Ada, who took no part, reviews it")

    def the_evidence(self) -> None:
        """All of it is in the ledger, and holds together."""
        self.scene(9, "The evidence")
        note, checkpoint = self.stage.app.ledger.checkpoint
        self.console.print(escape(note.rstrip()), style="dim")
        self.must(checkpoint.size == self.stage.app.ledger.size, f"{checkpoint.size} entries under one signature")
        self.tell("Ada", "the auditor, takes the executive's case along, to be checked without Watchword")
        self.bundle = file = self.stage.home / f"evidence-{self.signed}.zip"
        file.write_bytes(self.cast["ada.review"].evidence(self.signed))
        checks = check(file.read_bytes(), self.stage.app.signing_key.vkey)
        for one in checks:
            self.console.print(f"    [green]{one.number}[/] {escape(one.what)}: {escape(one.proved)}")
        self.must(any("by passkey" in one.proved for one in checks), f"{len(checks)} checks of {file} hold")

    def the_proof(self) -> None:
        """Which attacker could still get in through this policy and these people, and how cheaply."""
        self.scene(10, "The proof: what an attacker would need")
        app, at = self.stage.app, self.stage.clock()
        analysis = prove(app.policy)
        self.console.print(table(analysis))
        short = misses(analysis)
        self.must(not short, "no account class falls to less than the thresholds ask for")
        self.tell("Zoe", "asks who could reset the factors of Olga, who heads finance")
        native = app.desk.intake.find(self.stage.directory, "olga.penny").native_id
        account = app.registry.names.account(self.stage.directory, native)
        assert account is not None
        roster = known_to(app.registry, at)
        rows = attacks_on(app.policy, roster, account)
        found = next(row for row in rows if row.action is Action.FACTOR_RESET)
        cheapest = found.attacks[0]
        for number, step in enumerate(cheapest.steps, 1):
            text = step.what + (f" ({', '.join(map(str, step.needs))})" if step.needs else "")
            for one, name in spoken(app.registry, roster).items():
                text = text.replace(one, name)
            self.console.print(f"    [yellow]{number}[/] {escape(text)}")
        self.must(
            found.single == 0, f"the cheapest of {len(found.attacks)} ways costs {cheapest.cost}; none is one step"
        )

    # --- small steps -----------------------------------------------------------------------------------------------

    def _open(
        self, agent: Staff, account: str, action: str, ticket: str, reason: str, more: Mapping[str, Any] = NOTHING
    ) -> str:
        self.tell(agent.name.split()[0], f"takes in: {action.replace('_', ' ')} for {account} ({ticket}: {reason})")
        origin = {"origin": f"+44 1632 960 {ticket[-3:]}", "location": "home", "device": "known"}
        case = agent.open(account, action, directory=self.stage.directory, reason=reason, **(origin | dict(more)))
        agent.do(case, "ticket", ticket=ticket)
        return case

    def _in_person(self, verifier: Staff, case: str, login: str) -> None:
        """Methods that no call can steal together; then approval is asked for."""
        verifier.attest(case, "in_person", "passport, front desk")
        person = self.stage.caller(self.url, login)
        person.follow(verifier.look(case))
        if self.stage.keeps_factors:
            self.tell(verifier.name.split()[0], "sees a passport, and has a code sent to the address of record")
            begun = verifier.do(case, "methods", method="mail_code")
            person.answer(begun["challenge"], self._sent(login, "mail_code"))
        else:  # addresses that were written to the domain a minute ago prove nothing for thirty days
            self.tell(verifier.name.split()[0], "sees a passport; a passkey is touched on the person's own page")
            begun = verifier.do(case, "methods", method="passkey")
            person.answer(begun["challenge"], person.assertion(begun["challenge"]))
        verifier.until(case, "awaiting approval")

    def _remotely(self, agent: Staff, caller: Caller, case: str, login: str) -> str:
        """The app's code, and what it lacks by itself; returns the method that the hand-over can ask for again."""
        if not self.stage.keeps_factors:  # a number that was written to the domain a minute ago proves nothing yet
            self.tell(agent.name.split()[0], "begins the passkey, which is touched on the person's own page")
            begun = agent.do(case, "methods", method="passkey")
            caller.answer(begun["challenge"], caller.assertion(begun["challenge"]))
            return "passkey"
        begun = agent.do(case, "methods", method="totp")
        caller.answer(begun["challenge"], caller.code())
        lacking = next(way for way in agent.look(case)["missing"] if way["tier"] == "V2B")
        self.tell(agent.name.split()[0], f"reads what the app's code lacks: {lacking['words']}")
        begun = agent.do(case, "methods", method="call_code")
        caller.answer(begun["challenge"], self._sent(login, "call_code"))
        return "totp"

    def _sent(self, login: str, method: str) -> str:
        return awaited(lambda: self.stage.code_sent_to(login, method), "the code was not sent")

    def _wrong(self, caller: Caller, challenge: str) -> None:
        try:
            caller.answer(challenge, "12345678")
        except Refused:
            return
        raise Failed("a wrong code was taken")

    def _take(self, caller: Caller, method: str) -> str:
        password = caller.take(method)
        self.must(len(password) > 12, "the new password is opened in the person's browser, and nowhere else")
        return password

    def _signs_in(self, login: str, password: str) -> None:
        told = self.stage.sign_in(login, password)
        self.must(told in ("ok", "must_change"), f"{login} signs in with it and has to choose another")
