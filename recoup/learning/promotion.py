"""Training from the ledger, and the gate: a model is promoted only where it would have said the latest attempts better than the prior."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from recoup.learning.models import PROMOTED, REFUSED, Models, Promoted
from recoup.learning.past import attempts_in
from recoup.rules.base import Frozen
from recoup.timing.model import STALE_AFTER, Card, Model, as_text
from recoup.timing.training import train, untaught


class Trained(Frozen):
    """What came of a training."""

    version: str
    card: Card
    is_new: bool
    """Whether the ledger had not been told of this very model before."""


def judged(model: Model, now: datetime) -> Model:
    """The model as the gate lets it pass: one whose newest attempt is too old teaches nothing about today."""
    card = model.card
    if card.ends is None or now - card.ends <= STALE_AFTER:
        return model
    because = f"the newest of its attempts is of {card.ends:%d %b %Y}, older than {STALE_AFTER.days} days, so the prior decides"
    return untaught(card.model_copy(update={"promoted": False, "because": because}))


def retrain(models: Models, now: datetime, *, by: str) -> Trained:
    """Train on all that the ledger has, write the model with its card, promote it or say why not, and tell the ledger.

    The same attempts make the same model: trained twice on them, nothing more is told. A refused model leaves the promoted one in its place.
    """
    model = judged(train(attempts_in(models.ledger, now)), now)
    version = models.keep(model)
    return Trained(version=version, card=model.card, is_new=_tell(models, version, model, now, by))


def _tell(models: Models, version: str, model: Model, now: datetime, by: str) -> bool:
    card, events = model.card, models.ledger.events
    said: dict[str, Any] = {
        "version": version,
        "because": card.because,
        "by": by,
        "card": card.model_dump(mode="json"),
    }
    if card.promoted:
        standing = Promoted(version=version, at=now).model_dump(mode="json")
        data = said | {"standing": standing, "model": as_text(model)}
        return events.append("model_promoted", now, data=data, unique=f"{PROMOTED}/{version}")
    stands = models.promoted()
    data = said | {"standing": stands.model_dump(mode="json") if stands else None}
    return events.append("model_refused", now, data=data, unique=f"{REFUSED}/{version}")
