"""A new card collects everything that is open at once, newest first, over everything that is real."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.contracts import OperatorRequest, PauseUntil
from recoup.rules.case import Access, Outcome, Stage
from recoup.rules.steps import StepKind
from recoup.settings import Settings
from tests.sandbox.stage import DAY, period_end
from tests.sweep.stage import at_any_hour
from tests.web.living import Living, living

SUBSCRIPTIONS = 3


def subscribed(played: Living) -> tuple[str, list[str]]:
    """A customer with three subscriptions whose card is refused from the first renewal on."""
    stage = played.on.stage
    customer = stage.customer()
    subscriptions = [stage.subscription(customer.id) for _ in range(SUBSCRIPTIONS)]
    stage.use_card(customer.id, "pm_card_chargeCustomerFail")
    stage.control("POST", "clock", {"to": max(period_end(each) for each in subscriptions)})
    return customer.id, [each.id for each in subscriptions]


def open_invoices(played: Living, subscription: str) -> list[str]:
    """Ids of the subscription's open invoices, newest first."""
    found = played.on.stage.api.invoices.list({"subscription": subscription, "status": "open"}).data
    return [str(each.id) for each in sorted(found, key=lambda each: each.created, reverse=True)]


def nudge(played: Living, case: str) -> None:
    """Let the case see that time has passed, by a pause that is over in a second."""
    now = played.on.book.clock.now()
    word = PauseUntil(at=now, until=now + timedelta(seconds=1), reason="time passes", operator="ops")
    played.tell(case, "pause_until", word)
    back = OperatorRequest(at=now + timedelta(seconds=1), reason="time passes", operator="ops")
    played.tell(case, "resume", back)


def collected(played: Living, invoices: list[str]) -> list[str]:
    """Of these invoices the paid ones, in the order in which Recoup's attempts were sent."""
    rows = [row for each in invoices for row in played.on.book.ledger.attempts.of_invoice(each)]
    return [row.invoice for row in sorted(rows, key=lambda row: row.id) if row.state == "paid"]


def test_three_subscriptions_of_two_invoices_each_come_back_one_by_one(
    settings: Settings, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Suspended with two invoices open: one card pays all six, newest first of each, and access comes back with the last one."""
    ready = settings.model_copy(update={"policy_file": at_any_hour(tmp_path)})
    with living(tmp_path, tmp_path_factory.getbasetemp(), ready) as played:
        customer, subscriptions = subscribed(played)
        first = [invoice for each in subscriptions for invoice in open_invoices(played, each)]
        for invoice in first:
            played.waiting(invoice)
        played.on.stage.control("POST", "clock", {"by": 32 * DAY})
        owed = {each: open_invoices(played, each) for each in subscriptions}
        assert [len(invoices) for invoices in owed.values()] == [2] * SUBSCRIPTIONS
        second = [invoices[0] for invoices in owed.values()]
        for invoice in second:
            played.waiting(invoice)
        _suspend(played, first)
        assert {_access(played, each) for each in subscriptions} == {Access.SUSPENDED}

        played.on.stage.use_card(customer, "pm_card_visa")
        everything = [invoice for invoices in owed.values() for invoice in invoices]
        played.until(lambda: len(collected(played, everything)) == len(everything))
        for subscription, invoices in owed.items():
            played.until(lambda each=subscription: _access(played, each) is Access.FULL)  # type: ignore[misc]
            assert collected(played, invoices) == invoices, "newest first"
            _restored_last(played, subscription, invoices)
        assert [each for each in subscriptions if played.on.stage.status(each) != "active"] == []


def _suspend(played: Living, invoices: list[str]) -> None:
    """Let the campaigns of these cases come to their end: the last notice, its three days, the suspension."""
    for invoice in invoices:
        nudge(played, invoice)
        played.until(lambda each=invoice: _sleeps_before(played, each, StepKind.SUSPEND))  # type: ignore[misc]
    played.on.stage.control("POST", "clock", {"by": 3 * DAY + 3600})
    for invoice in invoices:
        nudge(played, invoice)
        row: Any = played.until(lambda each=invoice: _ended(played, each))  # type: ignore[misc]
        assert row.outcome is Outcome.LOST_SUSPENDED


def _sleeps_before(played: Living, case: str, kind: StepKind) -> bool:
    view = played.view(case)
    return view is not None and view.waiting and view.next.kind is kind


def _ended(played: Living, case: str) -> Any:
    row = played.case(case)
    return row if row is not None and row.stage is Stage.LOST else None


def _access(played: Living, subscription: str) -> Access | None:
    row = played.on.book.ledger.access.get(subscription)
    return row.state if row is not None else None


def _is_decided(played: Living, invoices: list[str]) -> bool:
    """Whether nothing but words to the customer is left to do in the cases of these invoices and in their returns."""
    cases = [case for invoice in invoices for case in played.on.book.ledger.cases.by_invoice(invoice)]
    views = [played.view(case.id) for case in cases if not case.is_open]
    words = (StepKind.MESSAGE, StepKind.END)
    return len(views) == len(cases) and all(view is not None and view.next.kind in words for view in views)


def _restored_last(played: Living, subscription: str, invoices: list[str]) -> None:
    """The access came back once, and after its last invoice had been asked for and was paid at Stripe.

    What the ledger knows of that last payment may come a moment later, where the other invoice's case restores.
    """
    played.until(lambda: _is_decided(played, invoices))
    events = played.on.book.ledger.events.since(0, limit=5000)
    (back,) = [each for each in events if each.kind == "access.restored" and each.invoice in invoices]
    asked = [each.id for each in events if each.kind == "attempt_sent" and each.invoice in invoices]
    assert back.id > max(asked), subscription
    for invoice in invoices:
        paid_at = played.on.stage.api.invoices.retrieve(invoice).status_transitions.paid_at
        assert paid_at is not None
        assert paid_at <= back.at.timestamp()
