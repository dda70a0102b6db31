"""Charts as SVG, made on the server: no script, nothing from elsewhere; colours come from the page's style."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH, HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 8, 12, 28


class Bar(NamedTuple):
    """A bar of several parts, one on the other."""

    label: str
    parts: tuple[float, ...]


class CurvePoint(NamedTuple):
    """A point of a curve with its band."""

    at: float
    value: float
    low: float
    high: float


def stacked_bars(title: str, bars: Sequence[Bar], names: Sequence[str], described: str = "") -> Markup:
    """One bar for each label; the parts have the classes ``part-0``, ``part-1`` … and their names as tool tips.

    ``described`` is read out after the title by whoever does not see the picture.
    """
    most = max((sum(bar.parts) for bar in bars), default=0)
    most = max(2, most + most % 2)  # even, so that its half is a whole number too
    room = (WIDTH - _LEFT - _RIGHT) / max(len(bars), 1)
    drawn = [_axis(most, "{:,.0f}")]
    for index, bar in enumerate(bars):
        left, base = _LEFT + index * room, 0.0
        for number, part in enumerate(bar.parts):
            top, height = _y(base + part, most), _y(base, most) - _y(base + part, most)
            drawn.append(
                f'<rect class="part-{number}" x="{left + room * 0.15:.1f}" y="{top:.1f}" width="{room * 0.7:.1f}"'
                f' height="{height:.1f}"><title>{escape(bar.label)}: {escape(names[number])} {part:,.0f}</title></rect>'
            )
            base += part
        drawn.append(_label(left + room / 2, bar.label, index, len(bars)))
    return _svg(title, drawn, described)


def curve(title: str, points: Sequence[CurvePoint], unit: str, described: str = "") -> Markup:
    """A curve of parts of one over time, with its band; ``described`` as above."""
    longest = max((point.at for point in points), default=0) or 1

    def x(at: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * at / longest

    upper = " ".join(f"{x(point.at):.1f},{_y(point.high, 1):.1f}" for point in points)
    lower = " ".join(f"{x(point.at):.1f},{_y(point.low, 1):.1f}" for point in reversed(points))
    line = " ".join(f"{x(point.at):.1f},{_y(point.value, 1):.1f}" for point in points)
    ticks = [
        f'<text x="{x(day):.1f}" y="{HEIGHT - 8}" text-anchor="{"end" if day == longest else "middle"}">{day:g} {escape(unit)}</text>'
        for day in (7, 14, 28, 60)
        if day <= longest
    ]
    shapes = [
        f'<polygon class="band" points="{upper} {lower}"/>',
        f'<polyline class="line" points="{line}"/>',
    ]
    return _svg(title, [_axis(1, "{:.0%}"), *shapes, *ticks], described)


def _y(value: float, most: float) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / most


def _axis(most: float, form: str) -> str:
    lines = []
    for part in (0.0, 0.5, 1.0):
        y = _y(most * part, most)
        lines.append(f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{form.format(most * part)}</text>'
        )
    return "".join(lines)


def _label(x: float, label: str, index: int, count: int) -> str:
    """Every label where there is room, otherwise every second or third one."""
    if index % -(-count // 12):
        return ""
    return f'<text x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(label)}</text>'


def _svg(title: str, shapes: Sequence[str], described: str) -> Markup:
    told = f"<title>{escape(title)}</title>" + (f"<desc>{escape(described)}</desc>" if described else "")
    drawn = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{told}{"".join(shapes)}</svg>'
    return Markup(drawn)  # noqa: S704 - numbers, and words that were escaped
