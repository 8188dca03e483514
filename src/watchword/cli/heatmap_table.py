"""The heat-map of an analysis in the terminal: the same figures and colours as the picture."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from watchword.policy.attack import Analysis
from watchword.reception.heatmap import ACTIONS, MARK, Tile, rows, said


def table(analysis: Analysis) -> Table:
    """Return the heat-map for the terminal: the same figures as the picture."""
    drawn = Table(title=f"Cheapest attack under {analysis.policy[:19]}…", title_justify="left", pad_edge=False)
    drawn.add_column("class", no_wrap=True)
    for action in ACTIONS:
        drawn.add_column(said(action), justify="right")
    drawn.add_column("infra-structure", justify="right")
    for row in rows(analysis):
        drawn.add_row(said(row.account_class), *(_text(t) for t in row.tiles), _text(row.infrastructure))
    drawn.caption = f"{MARK} n: that many attacks need one capability alone · via n: denied, and reached another way"
    drawn.caption_justify = "left"
    return drawn


def _text(tile: Tile | None) -> Text:
    if tile is None:
        return Text(" ")
    if tile.denied or tile.shade is None:
        return Text(" ".join(filter(None, (tile.figure, tile.remark))), style="dim")
    return Text(
        f" {' '.join(filter(None, (tile.remark, tile.figure)))} ", style=f"{tile.shade.ink} on {tile.shade.fill}"
    )
