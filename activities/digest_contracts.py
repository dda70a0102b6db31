"""What the workflow of the weekly digest and its activity say to each other; the rules of :mod:`activities.contracts` hold here too."""

from __future__ import annotations

from enum import StrEnum

from recoup.rules.base import Moment, Wire

DIGEST_WORKFLOW = "WeeklyDigest"


class DigestActivity(StrEnum):
    """The activity by the name under which the worker registers it."""

    SEND = "digest.send"


class StartDigest(Wire):
    """Begins ``WeeklyDigest``, and is its activity's order."""

    by: str = "schedule"


class DigestSent(Wire):
    """What became of a week's digest; counts alone, since addresses are people's."""

    at: Moment
    week: str
    """The week that it tells of, such as ``2026-W47``."""
    sent: int
    had: int
    """So many had it already."""
