"""What is given to the ledger to write. None of it holds a name, an address or a card number."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints, field_validator

from recoup.rules.base import Frozen
from recoup.rules.case import AttemptState, Template, Trigger
from recoup.rules.conversation import Said
from recoup.rules.declines import Decline, DeclineClass
from recoup.rules.money import Currency

Id = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Because = Annotated[str, StringConstraints(min_length=1)]
Minor = Annotated[int, Field(strict=True, gt=0, lt=2**53)]


class NewCase(Frozen):
    """A case that wants to begin."""

    id: Id
    """The invoice id, with ``/r2``, ``/r3`` … for a return."""
    invoice: Id
    number: str | None = None
    """The invoice's number as people know it."""
    customer: Id
    subscription: str | None = None
    amount: Minor
    """What is owed, in minor units."""
    currency: Currency
    failed_at: AwareDatetime
    campaign: Id
    """Name of the campaign."""
    policy_version: Id
    policy: dict[str, Any]
    """The compiled campaign; kept as it is here for the whole life of the case."""
    rules_version: int
    decline: Decline | None = None
    decline_class: DeclineClass | None = None
    workflow_id: Id
    run_id: Id
    """The first run of the workflow's chain, the same after a continue-as-new."""
    is_return: bool = False
    priority: int = 0
    """How much the case matters, 0 to 100."""


class ReserveAttempt(Frozen):
    """One attempt that wants its number; all of it is frozen when it is given."""

    invoice: Id
    case_id: Id
    request: Id
    """The caller's token: the same token always means the same attempt."""
    trigger: Trigger
    payment_method: Id
    fingerprint: str | None = None
    brand: str | None = None
    amount: Minor
    currency: Currency
    latest_charge: str | None = None
    """The invoice's latest charge before this attempt; a newer one later on shows that something was charged."""
    key_prefix: Id = "recoup"


class AttemptResult(Frozen):
    """The final result of an attempt."""

    state: AttemptState
    """paid, declined or skipped."""
    charge: str | None = None
    payment_intent: str | None = None
    decline: Decline | None = None
    decline_class: DeclineClass | None = None
    because: str | None = None
    charged_at: AwareDatetime | None = None
    """When the charge was made, where it is known; the networks count from it."""

    @field_validator("state")
    @classmethod
    def _settled(cls, state: AttemptState) -> AttemptState:
        if not state.is_settled:
            raise ValueError(f"an attempt is settled as paid, declined or skipped, not as {state.value}")
        return state


class ObservedCharge(Frozen):
    """A charge that was seen at Stripe: Stripe's own retry, the hosted page, or an echo of one of ours."""

    charge: Id
    invoice: str | None = None
    customer: str | None = None
    fingerprint: str | None = None
    brand: str | None = None
    amount: int
    currency: Currency
    failed: bool
    decline: Decline | None = None
    made_at: AwareDatetime | None = None
    """When the charge was made; the moment it was seen, if nobody says."""


class NewMessage(Frozen):
    """A message that wants to be sent; who it goes to is looked up when it is sent and never kept."""

    key: Id
    """Unique among all messages: ``in_1/payment_failed``."""
    case_id: str | None = None
    customer: Id
    template: Template
    channel: Id
    locale: Id


class SaidOf(Frozen):
    """What a message says of one of the invoices that it lists."""

    invoice: Id
    said: Said
    suspend_at: AwareDatetime | None = None
    """The day that it names as the end of access."""


class DecisionRecord(Frozen):
    """One decision with everything that is needed to explain it, and to learn from it, years later."""

    case_id: Id
    at: AwareDatetime
    rules_version: int
    policy_version: Id
    known: dict[str, Any]
    candidates: list[dict[str, Any]]
    choice: dict[str, Any]
    because: Because
    propensity: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    """How likely this choice was among the candidates; 1 where nothing was left to chance."""
    model: str | None = None
