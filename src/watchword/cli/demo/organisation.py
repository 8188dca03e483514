"""The sample organisation: 40 invented people, 6 accounts of software and a break-glass account, in example.test."""

from __future__ import annotations

import msgspec

from watchword.core.person import Kind, Role

MAIL = "example.test"


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody, or something, with an account; *roles* are what they may do in Watchword."""

    login: str
    name: str
    group: str
    unit: str
    manager: str | None = None
    roles: tuple[Role, ...] = ()
    kind: Kind = Kind.EMPLOYEE
    owner: str | None = None
    second_owner: str | None = None
    factors: tuple[str, ...] = ("authenticator_app",)


def _people() -> tuple[Member, ...]:
    staff, executives, finance = "All Staff", "Executives", "Finance"
    administrators, control = "Administrators", "Identity Control"
    return (
        # The board and its assistants
        Member(login="vera.quill", name="Vera Quill", group=executives, unit="board"),
        Member(
            login="oskar.brandt",
            name="Oskar Brandt",
            group=executives,
            unit="board",
            manager="vera.quill",
            factors=("authenticator_app", "security_key"),
        ),
        Member(login="lena.holm", name="Lena Holm", group=executives, unit="board", manager="vera.quill"),
        Member(login="pim.assist", name="Pim Veldt", group=executives, unit="board", manager="vera.quill"),
        # Sales
        Member(login="ruth.vale", name="Ruth Vale", group=staff, unit="sales", manager="lena.holm"),
        Member(login="mara.lind", name="Mara Lind", group=staff, unit="sales", manager="ruth.vale"),
        Member(login="tom.ashby", name="Tom Ashby", group=staff, unit="sales", manager="ruth.vale"),
        Member(login="ivo.marsh", name="Ivo Marsh", group=staff, unit="sales", manager="ruth.vale"),
        Member(login="nina.crane", name="Nina Crane", group=staff, unit="sales", manager="ruth.vale"),
        Member(login="kai.berg", name="Kai Berg", group=staff, unit="sales", manager="ruth.vale"),
        Member(login="ela.dorn", name="Ela Dorn", group=staff, unit="sales", manager="ruth.vale"),
        # Engineering
        Member(login="hugo.stein", name="Hugo Stein", group=staff, unit="engineering", manager="oskar.brandt"),
        Member(login="amy.frost", name="Amy Frost", group=staff, unit="engineering", manager="hugo.stein"),
        Member(login="ben.carver", name="Ben Carver", group=staff, unit="engineering", manager="hugo.stein"),
        Member(login="cleo.hart", name="Cleo Hart", group=staff, unit="engineering", manager="hugo.stein"),
        Member(login="dev.moss", name="Dev Moss", group=staff, unit="engineering", manager="hugo.stein"),
        Member(login="edda.wolf", name="Edda Wolf", group=staff, unit="engineering", manager="hugo.stein"),
        Member(login="finn.reed", name="Finn Reed", group=staff, unit="engineering", manager="hugo.stein"),
        # Operations
        Member(login="greta.pike", name="Greta Pike", group=staff, unit="operations", manager="lena.holm"),
        Member(login="hal.stone", name="Hal Stone", group=staff, unit="operations", manager="greta.pike"),
        Member(login="iris.lake", name="Iris Lake", group=staff, unit="operations", manager="greta.pike"),
        Member(login="jon.field", name="Jon Field", group=staff, unit="operations", manager="greta.pike"),
        Member(login="kim.sand", name="Kim Sand", group=staff, unit="operations", manager="greta.pike"),
        # Finance
        Member(login="olga.penny", name="Olga Penny", group=finance, unit="finance", manager="vera.quill"),
        Member(login="paul.mint", name="Paul Mint", group=finance, unit="finance", manager="olga.penny"),
        Member(login="quinn.ledger", name="Quinn Ledger", group=finance, unit="finance", manager="olga.penny"),
        # IT: administrators, whose accounts are privileged
        Member(login="rhea.root", name="Rhea Root", group=administrators, unit="it", manager="oskar.brandt"),
        Member(login="sam.kernel", name="Sam Kernel", group=administrators, unit="it", manager="rhea.root"),
        # The service desk and those who guard it
        Member(login="ines.desk", name="Ines Fairway", group=control, unit="desk", roles=(Role.AGENT,)),
        Member(login="theo.desk", name="Theo Fairway", group=control, unit="desk", roles=(Role.AGENT,)),
        Member(login="vic.check", name="Vic Hallow", group=control, unit="desk", roles=(Role.VERIFIER,)),
        Member(login="xena.run", name="Xena Pell", group=control, unit="desk", roles=(Role.EXECUTOR,)),
        Member(login="yuri.iam", name="Yuri Stamm", group=control, unit="iam", roles=(Role.IAM_DUTY, Role.AGENT)),
        Member(login="zoe.soc", name="Zoe Ward", group=control, unit="security", roles=(Role.SECURITY_DUTY,)),
        Member(
            login="ada.review", name="Ada Keen", group=control, unit="security", roles=(Role.REVIEWER, Role.AUDITOR)
        ),
        Member(login="carl.glass", name="Carl Glas", group=control, unit="it", roles=(Role.CUSTODIAN,)),
        Member(login="dora.glass", name="Dora Glas", group=control, unit="iam", roles=(Role.CUSTODIAN,)),
        Member(login="ciso.office", name="Cass Oates", group=control, unit="security", roles=(Role.CISO_DELEGATE,)),
        # From outside
        Member(
            login="vendor.desk",
            name="Vito Outland",
            group="Contractors",
            unit="desk",
            roles=(Role.AGENT,),
            kind=Kind.VENDOR,
        ),
        Member(login="guest.audit", name="Gale Visitor", group="External Users", unit="finance", manager="olga.penny"),
    )


def _software() -> tuple[Member, ...]:
    service, agents = "Service Accounts", "AI Agents"
    owned = (
        ("svc-backup", "Backup service", service, "it", "rhea.root", "sam.kernel"),
        ("svc-payroll", "Payroll export", service, "finance", "olga.penny", "paul.mint"),
        ("svc-build", "Build pipeline", service, "engineering", "hugo.stein", "amy.frost"),
        ("svc-crm", "CRM sync", service, "sales", "ruth.vale", "mara.lind"),
        ("ai-triage", "Ticket triage agent", agents, "desk", "yuri.iam", "vic.check"),
        ("ai-notes", "Meeting notes agent", agents, "sales", "ruth.vale", "tom.ashby"),
        ("emergency-1", "Break-glass account", "Break Glass", "it", None, None),
    )
    return tuple(
        Member(
            login=login,
            name=name,
            group=group,
            unit=unit,
            owner=owner,
            second_owner=second,
            kind=Kind.SYSTEM,
            factors=(),
        )
        for login, name, group, unit, owner, second in owned
    )


PEOPLE = _people()
SOFTWARE = _software()
EVERYTHING = (*PEOPLE, *SOFTWARE)


def phone_of(member: Member) -> str:
    """A number in a range kept for fiction (Ofcom's 01632 960000 to 960999)."""
    return f"+441632960{PEOPLE.index(member):03d}"
