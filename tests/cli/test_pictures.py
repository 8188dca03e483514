"""Pictures of an analysis: the same figures everywhere, nothing by colour alone, nothing that could run."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from datetime import date
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

from rich.console import Console

from tools.attack_path import path_svg
from watchword.cli.heatmap_page import Listing, html
from watchword.cli.heatmap_table import table
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.policy.attack import Analysis, Attack, CellAttacks, Need, Step
from watchword.reception.heatmap import SHADES, svg

GOLDEN = Path(__file__).parent / "golden"
DAY = date(2030, 5, 6)
COSTS = {"sim_swap": 3, "approver_duped": 2, "idp_admin": 5}
SWAP = Need(capability="sim_swap", subject="target")
DUPED = Need(capability="approver_duped", subject="manager_of_record")
ADMIN = Need(capability="idp_admin")


def attack(*needs: Need, infrastructure: bool = False) -> Attack:
    """An attack of one step."""
    costs = [COSTS[n.capability] for n in needs]
    step = Step(what="Answer the call", gives="a proof", needs=needs)
    return Attack(needs=needs, cost=sum(costs), dearest=max(costs), steps=(step,), infrastructure=infrastructure)


def cell(action: Action, *attacks: Attack, denied: bool = False) -> CellAttacks:
    """A cell of the finance class with the same way around as every other."""
    return CellAttacks(
        account_class=AccountClass.FINANCE,
        action=action,
        denied=denied,
        attacks=attacks,
        infrastructure=(attack(ADMIN, infrastructure=True),),
    )


ANALYSIS = Analysis(
    policy="sha256:" + "0123456789abcdef" * 4,
    cells=(
        cell(Action.UNLOCK, attack(SWAP), attack(DUPED, SWAP)),
        cell(Action.PASSWORD_RESET, attack(DUPED, SWAP)),
        cell(Action.FACTOR_RESET),
        cell(Action.BYPASS_CODE, denied=True),
        cell(Action.PRIVILEGED_OVERRIDE, attack(DUPED, SWAP), denied=True),
    ),
    complete=False,
    notes=("sets dearer than <20> were cut off",),
)
PATH = Attack(
    needs=(DUPED, SWAP),
    cost=5,
    dearest=3,
    steps=(
        Step(what="Ask for a new phone & be called on the number of record", gives="a proof", needs=(SWAP,)),
        Step(what="Have the manager say yes", gives="an approval", needs=(DUPED,)),
        Step(what="Take the new factor over, proven by the same call", gives="the account", needs=(SWAP,)),
    ),
)
LISTING = Listing(
    title="Beside it",
    says="Not instead.",
    columns=("cell", "says", "met", "where not"),
    rows=(
        ("unlock", "<b>no</b>", "0 of 10", "standard recovery_info_change: saved_and_mailed_code + custodian_passkey"),
    ),
)


def golden(name: str, text: str) -> None:
    """Compare *text* with the golden file *name*, or write it where `UPDATE_GOLDEN` is set."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"{name} changed: look at it, then run with UPDATE_GOLDEN=1"


def test_the_map_is_drawn_as_reviewed() -> None:
    """The same analysis and day give the same picture, byte for byte."""
    golden("heatmap.svg", svg(ANALYSIS, on=DAY))


def test_the_path_is_drawn_as_reviewed() -> None:
    """The same attack gives the same picture, byte for byte, with each need paid for once."""
    drawn = path_svg(PATH, COSTS, title="How a phone is moved & <taken>")

    golden("attack-path.svg", drawn)
    assert "sim swap of target, held already" in drawn
    assert "total cost 5" in drawn


def test_every_tile_says_its_figure() -> None:
    """Costs, marks and denials are words in the picture and in its description, never a colour alone."""
    root = ET.fromstring(svg(ANALYSIS, on=DAY))
    words = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    titles = [e.text or "" for e in root.iter("{http://www.w3.org/2000/svg}title")]

    assert {"3", "5", "–", "denied", "via 5", "◆ 1"} <= set(words)
    assert "finance, unlock: cost 3, 1 with one capability alone" in titles
    assert "finance, privileged override: denied by policy, reached another way for 5" in titles
    assert root.get("role") == "img"
    assert "unlock cost 3, 1 with one capability alone; password reset cost 5" in (root.get("aria-label") or "")


def test_the_terminal_has_the_same_figures() -> None:
    """The table says what the picture says."""
    console = Console(file=StringIO(), width=160)
    console.print(table(ANALYSIS))
    line = next(x for x in console.file.getvalue().splitlines() if "finance" in x)  # type: ignore[attr-defined]

    assert re.findall(r"◆ 1 3|denied via 5|denied|–|\b5\b", line) == ["◆ 1 3", "5", "–", "denied", "denied via 5", "5"]


def test_nothing_in_a_picture_can_run() -> None:
    """No script, no handler, no inline style, nothing fetched; what a policy says is text, never markup."""
    for drawn in (
        svg(ANALYSIS, on=DAY),
        html(ANALYSIS, on=DAY, listings=(LISTING,)),
        path_svg(PATH, COSTS, title="<x>"),
    ):
        assert not re.search(r"<script|\son[a-z]+=|\sstyle=|href=|src=|javascript:|<b>no|<x>", drawn)
    assert "&lt;b&gt;no&lt;/b&gt;" in html(ANALYSIS, on=DAY, listings=(LISTING,))


def test_the_page_allows_its_own_style_only() -> None:
    """The page's content security policy names its one style by its hash and nothing else."""
    page = html(ANALYSIS, on=DAY)
    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    hashed = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()

    assert len(style) == 1
    assert f"default-src 'none'; style-src 'sha256-{hashed}'" in page


def test_ink_reads_on_every_shade() -> None:
    """Text on each step of the scale has a contrast of 4.5 to 1, and each step is lighter than the last."""
    lights = [_light(s.fill) for s in SHADES]

    assert lights == sorted(lights)
    assert not [s.name for s in SHADES if _contrast(s.fill, s.ink) < 4.5]


def _light(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_light(one), _light(other)))
    return (high + 0.05) / (low + 0.05)
