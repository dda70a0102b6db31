"""How the learning stands: which model decides, and what came of the latest training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recoup.errors import ConfigurationError
from recoup.learning.models import PROMOTED, REFUSED, WITHDRAWN, Models
from recoup.timing.model import STALE_AFTER, Card


@dataclass(frozen=True, slots=True)
class Training:
    """The newest training that the ledger was told of."""

    at: datetime
    version: str
    promoted: bool
    because: str
    card: Card


@dataclass(frozen=True, slots=True)
class Standing:
    """Which model decides where a policy asks for one, and the newest training."""

    version: str | None
    """The promoted model; ``None``: the prior decides everywhere."""
    since: datetime | None
    card: Card | None
    until: datetime | None
    """When it will have grown old."""
    trouble: str | None
    """Why it cannot decide although it was promoted."""
    training: Training | None

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        last = self.training
        return {
            "promoted": self.version,
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
            "trouble": self.trouble,
            "card": self.card.model_dump(mode="json") if self.card else None,
            "training": None
            if last is None
            else {
                "at": last.at.isoformat(),
                "version": last.version,
                "promoted": last.promoted,
                "because": last.because,
                "card": last.card.model_dump(mode="json"),
            },
        }


def standing(models: Models, now: datetime) -> Standing:
    """How the learning stands now."""
    told = models.ledger.past.newest_event(PROMOTED, REFUSED)
    training = None
    if told is not None:
        card = Card.model_validate(told.data["card"])
        version, because = told.data["version"], told.data["because"]
        training = Training(told.at, version, told.kind == PROMOTED, because, card)
    promoted = models.promoted()
    if promoted is None:
        taken_back = models.ledger.past.newest_event(WITHDRAWN)
        said = (
            taken_back
            and f"{taken_back.data['version']} was withdrawn by {taken_back.actor}: {taken_back.data['because']}"
        )
        return Standing(None, None, None, None, said or None, training)
    try:
        kept = models.get(promoted.version).model
    except ConfigurationError as error:
        return Standing(promoted.version, promoted.at, None, None, str(error), training)
    until = kept.card.ends + STALE_AFTER if kept.card.ends else None
    old = None if kept.is_fresh(now) else "it has grown old: its newest attempt is too long ago"
    return Standing(promoted.version, promoted.at, kept.card, until, old, training)


def lines_of(found: Standing) -> Iterator[str]:
    """The same as people read it."""
    if found.version is None:
        why = f"; {found.trouble}" if found.trouble else ""
        yield f"No model is promoted, so the prior decides{why}."
    elif found.trouble is not None:
        yield f"{found.version} was promoted, and the prior decides: {found.trouble}"
    else:
        yield f"{found.version} decides where a policy says `model: promoted`."
    if found.since is not None:
        until = f", fresh until {found.until:%Y-%m-%d}" if found.until else ""
        yield f"  promoted {found.since:%Y-%m-%d %H:%M} UTC{until}"
    if found.card is not None:
        yield from (f"  {line}" for line in _card(found.card))
    last = found.training
    if last is None:
        yield "The ledger knows of no training yet."
        return
    what = "promoted" if last.promoted else "refused"
    yield f"Newest training, {last.at:%Y-%m-%d %H:%M} UTC: {last.version}, {what}, because {last.because}"
    if last.version != found.version:
        yield from (f"  {line}" for line in _card(last.card))


def _card(card: Card) -> Iterator[str]:
    if card.begins and card.ends:
        yield f"learned from {card.attempts} attempts, {card.begins:%Y-%m-%d} to {card.ends:%Y-%m-%d}, {card.approved} approved"
    if card.log_loss is not None and card.log_loss_of_prior is not None:
        yield (
            f"on the latest {card.held_back}, unseen: log-loss {card.log_loss:.4f} against the prior's {card.log_loss_of_prior:.4f},"
            f" off by {card.calibration_error or 0:.1%}, drift {card.drift or 0:.1%}"
        )
