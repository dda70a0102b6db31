"""Mass updates: asking many customers for a new card, each once, and only those whose card is still the old one."""

from __future__ import annotations

import time
from dataclasses import dataclass

from stripe import InvalidRequestError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities._failures import stripe_errors
from activities._notices import Notice, Notices, what_became
from activities.card_contracts import (
    CardActivity,
    RefreshTally,
    Selected,
    SelectOrder,
    Told,
    Worked,
    WorkOrder,
)
from recoup.billing.methods import read_method
from recoup.ledger import (
    MessageRow,
    Mirrored,
    MirroredCard,
    MirroredRenewal,
    RefreshRow,
    TargetDone,
    TargetRow,
    TargetState,
)
from recoup.rules.case import Template
from recoup.rules.conversation import Answer
from recoup.rules.expiring import ExpiringCards, first_failing

TARGETS = 100
"""Targets on a page at most."""

PAGE_SECONDS = 30.0
"""A page ends after so long, whatever is left of it: a pause is heard, and no activity comes near its end."""

BURST_SECONDS = 60.0
"""So many seconds' worth of messages may go out at once."""


@dataclass
class Refreshing:
    """The activities of :mod:`workflows.refresh`."""

    notices: Notices
    rules: ExpiringCards

    def __post_init__(self) -> None:
        self.ledger = self.notices.messages.ledger
        self.clock = self.notices.messages.clock

    @activity.defn(name=CardActivity.SELECT_TARGETS.value, no_thread_cancel_exception=True)
    def select(self, order: SelectOrder) -> Selected:
        """Take the next cards of the mirror in."""
        added, after = self.ledger.refreshes.select(order.name, order.after)
        return Selected(at=self.clock.now(), added=added, after=after)

    @activity.defn(name=CardActivity.WORK_TARGETS.value, no_thread_cancel_exception=True)
    def work(self, order: WorkOrder) -> Worked:
        """Work through a page of targets, as far as the rate, the time and a pause allow.

        What was done is written down at the end of the page, also of one that broke off. A page that died is done again: its
        messages have their keys in the ledger, so nobody hears twice.
        """
        refresh = self.ledger.refreshes.get(order.name)
        assert refresh is not None, "a mass update is in the ledger before its workflow begins"
        done: list[TargetDone] = []
        wait = 0.0
        ends = time.monotonic() + PAGE_SECONDS
        targets = self.ledger.refreshes.waiting(refresh.name, self.clock.now(), TARGETS)
        try:
            for target in targets:
                if time.monotonic() > ends or activity.is_cancelled():
                    break
                one = self._alone(refresh, target)
                if one is None:
                    wait = 3600 / refresh.per_hour
                    break
                done.append(one)
        finally:
            self.ledger.refreshes.note(done, self.clock.now())
        tally = tally_of(self.ledger.refreshes.tally(refresh.name))
        if tally.waiting == 0:
            self.ledger.refreshes.finish(refresh.name, self.clock.now())
        elif not targets and (first := self.ledger.refreshes.next_try(refresh.name)) is not None:
            wait = max(0.0, (first - self.clock.now()).total_seconds())
        return Worked(at=self.clock.now(), tally=tally, wait_seconds=wait)

    def _alone(self, refresh: RefreshRow, target: TargetRow) -> TargetDone | None:
        """What can never succeed for one holds up no other one."""
        try:
            return self._one(refresh, target)
        except ApplicationError as error:
            if not error.non_retryable:
                raise
            return _done(target, target.customer, TargetState.FAILED, error.message)

    def _one(self, refresh: RefreshRow, target: TargetRow) -> TargetDone | None:
        """What becomes of one target; None where the rate allows no message now."""
        customer = target.customer or self._owner_of(target.reference)
        if customer is None:
            return _done(target, None, TargetState.LEFT, "the card belongs to no customer any more")
        key = f"refresh/{refresh.name}/{customer}"
        if (row := self.notices.messages.done_with(key)) is not None:
            return _told(target, customer, row)
        if self.notices.owes(customer):
            because = "a payment of the customer's has failed, and its case speaks already"
            return _done(target, customer, TargetState.LEFT, because)
        found = self.notices.read(customer)
        card = _card_in_question(target, found)
        if card is None:
            if not found.renewals and target.reference == customer and not self.notices.is_known(customer):
                raise _not_at_stripe(customer)
            return _done(target, customer, *_why_none(target, found))
        if target.version is not None and card.version != target.version:
            return _done(target, customer, TargetState.RENEWED, "the network renewed the card meanwhile")
        if not self._may_write(refresh):
            return None
        return _told(target, customer, self.notices.deliver(self._notice(refresh, key, card, found)))

    def _owner_of(self, reference: str) -> str | None:
        if reference.startswith("cus_"):
            return reference
        self.notices.pace.wait_for()
        with stripe_errors(f"read the payment method {reference}"):
            try:
                method = read_method(self.notices.messages.client, reference)
            except InvalidRequestError as error:
                if error.code != "resource_missing":
                    raise
                raise _not_at_stripe(reference) from None
        if method is None:
            raise _not_at_stripe(reference)
        return method.customer

    def _may_write(self, refresh: RefreshRow) -> bool:
        rate = refresh.per_hour / 3600
        burst = max(rate * BURST_SECONDS, 1.0)
        taken = self.ledger.rates.take(f"refresh/{refresh.name}", 1, rate, burst, self.clock.now(), 0)
        return taken is not None

    def _notice(self, refresh: RefreshRow, key: str, card: MirroredCard, found: Mirrored) -> Notice:
        """About the expiry, where that is what the mass update is about; otherwise about cards that are replaced."""
        renewals = [renewal for renewal in found.renewals if renewal.method == card.method]
        renewal = min(renewals, key=lambda each: each.renews_at)
        failing = [
            (at, each) for each in renewals if (at := first_failing(each.rhythm, card.gone_at)) is not None
        ]
        if refresh.selection.expires and failing:
            on, renewal = min(failing, key=lambda pair: pair[0])
            return self._about(key, Template.CARD_EXPIRING, card, renewal).model_copy(update={"on": on})
        return self._about(key, Template.CARD_REFRESH, card, renewal)

    def _about(self, key: str, template: Template, card: MirroredCard, renewal: MirroredRenewal) -> Notice:
        return Notice(
            key=key,
            template=template,
            card=card,
            renewal=renewal,
            on=renewal.renews_at,
            link_valid_days=self.rules.link_valid_days,
        )


def _not_at_stripe(reference: str) -> ApplicationError:
    """A list from another account, or from the other mode, must not pass for one that needs nothing."""
    because = f"Stripe knows no {reference} under this key: was it deleted, or is it of another account, or of the other mode?"
    return ApplicationError(because, non_retryable=True)


def tally_of(counts: dict[TargetState, int]) -> RefreshTally:
    """The ledger's counts as a tally."""
    return RefreshTally(**{state.value: count for state, count in counts.items()})


def _card_in_question(target: TargetRow, found: Mirrored) -> MirroredCard | None:
    """The card that was named; of a customer the one that is charged next."""
    if not target.reference.startswith("cus_"):
        return next((card for card in found.cards if card.method == target.reference), None)
    with_cards = [renewal for renewal in found.renewals if renewal.method is not None]
    if not with_cards:
        return None
    first = min(with_cards, key=lambda renewal: renewal.renews_at)
    return next(card for card in found.cards if card.method == first.method)


def _why_none(target: TargetRow, found: Mirrored) -> tuple[TargetState, str]:
    if not found.renewals:
        return TargetState.LEFT, "nothing of the customer's renews by itself"
    if target.reference.startswith("cus_"):
        return TargetState.LEFT, "the customer pays with no card"
    return TargetState.RENEWED, "the customer pays with something else by now"


_STATES = {Told.FAILED: TargetState.FAILED, Told.WAITS: TargetState.WAITING}


def _told(target: TargetRow, customer: str, done: MessageRow | Answer) -> TargetDone:
    became = what_became(done)
    state = _STATES.get(became.told, TargetState.TOLD)
    return _done(target, customer, state, became.because).model_copy(update={"not_before": became.not_before})


def _done(target: TargetRow, customer: str | None, state: TargetState, because: str) -> TargetDone:
    return TargetDone(id=target.id, customer=customer, state=state, because=because)
