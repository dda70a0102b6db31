"""Which languages a browser asks for."""

from __future__ import annotations

_MOST = 10


def accepted(header: str | None) -> list[str]:
    """The languages of an ``Accept-Language`` header, the most wanted first; what cannot be read is left out."""
    weighed: list[tuple[float, str]] = []
    for part in (header or "")[:1000].split(",")[:_MOST]:
        tag, _, parameter = part.partition(";")
        weight = _weight(parameter)
        if tag.strip() and tag.strip() != "*" and weight > 0:
            weighed.append((weight, tag.strip()))
    return [tag for _, tag in sorted(weighed, key=lambda pair: -pair[0])]


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        weight = float(value) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
