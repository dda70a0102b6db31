"""A map of shares over two scales, and bars that lie: SVG as in :mod:`recoup.web.charts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH = 640
_LEFT, _TOP, _ROW = 48, 18, 22
_BAR_LEFT, _BAR = 150, 26


class Cell(NamedTuple):
    """One place of the map."""

    share: float
    says: str
    """What is shown to whoever points at it."""


class Lying(NamedTuple):
    """A bar that lies; its length is a part of the longest one."""

    label: str
    value: int | None
    """Nothing where nobody knows: then there is no bar."""
    says: str


def heat_map(
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Mapping[tuple[int, int], Cell],
    described: str = "",
) -> Markup:
    """Darker where more of it is; the darkest place is the largest share there is. Places without a cell are empty."""
    most = max((cell.share for cell in cells.values()), default=0) or 1
    room = (WIDTH - _LEFT) / max(len(columns), 1)
    height = _TOP + _ROW * len(rows) + 4
    drawn = [
        f'<text x="{_LEFT + (index + 0.5) * room:.1f}" y="12" text-anchor="middle">{escape(name)}</text>'
        for index, name in enumerate(columns)
        if not index % -(-len(columns) // 12)
    ]
    for line, name in enumerate(rows):
        top = _TOP + line * _ROW
        drawn.append(f'<text x="{_LEFT - 6}" y="{top + 15}" text-anchor="end">{escape(name)}</text>')
        for index in range(len(columns)):
            place = (
                f'x="{_LEFT + index * room + 1:.1f}" y="{top + 1}" width="{room - 2:.1f}" height="{_ROW - 2}"'
            )
            cell = cells.get((line, index))
            if cell is None:
                drawn.append(f'<rect class="empty" {place}/>')
                continue
            depth = 0.08 + 0.92 * cell.share / most
            drawn.append(
                f'<rect class="heat" {place} fill-opacity="{depth:.2f}"><title>{escape(cell.says)}</title></rect>'
            )
    return _svg(title, height, drawn, described)


def lying_bars(title: str, bars: Sequence[Lying], described: str = "") -> Markup:
    """One below the other, the number behind each."""
    most = max((bar.value or 0 for bar in bars), default=0) or 1
    drawn, room = [], WIDTH - _BAR_LEFT - 70
    for index, bar in enumerate(bars):
        top = index * _BAR
        drawn.append(f'<text x="{_BAR_LEFT - 8}" y="{top + 17}" text-anchor="end">{escape(bar.label)}</text>')
        length = room * (bar.value or 0) / most
        if bar.value is not None:
            drawn.append(
                f'<rect class="part-0" x="{_BAR_LEFT}" y="{top + 4}" width="{max(length, 1):.1f}" height="{_BAR - 8}">'
                f"<title>{escape(bar.label)}: {escape(bar.says)}</title></rect>"
            )
        drawn.append(f'<text x="{_BAR_LEFT + length + 6:.1f}" y="{top + 17}">{escape(bar.says)}</text>')
    return _svg(title, _BAR * len(bars), drawn, described)


def _svg(title: str, height: int, shapes: Sequence[str], described: str) -> Markup:
    told = f"<title>{escape(title)}</title>" + (f"<desc>{escape(described)}</desc>" if described else "")
    drawn = f'<svg viewBox="0 0 {WIDTH} {height}" role="img">{told}{"".join(shapes)}</svg>'
    return Markup(drawn)  # noqa: S704 - numbers, and words that were escaped
