"""The stages of the access at Stripe, in the ledger and for the company's backend: restricted, restored, cancelled at last."""

from __future__ import annotations

import pytest

from activities.contracts import CloseOrder, TakeUp
from activities.late_cancel import LateCancels
from activities.people_contracts import LateCancel, LateCancelled
from recoup.ledger import AccessMeans
from recoup.rules.case import Access, Case, Outcome
from tests.activities.conftest import Desk


def _subscription(desk: Desk, case: Case) -> str:
    return str(desk.stripe.v1.subscriptions.retrieve(case.subscription).status)


def test_a_restriction_is_told_and_taken_back(desk: Desk) -> None:
    """The backend hears of it once, Stripe's subscription stays as it is, and a payment gives everything back."""
    case = desk.take_up("short")
    for _ in range(2):
        assert desk.run(desk.access.restrict, desk.access_order(case)).done
    held = desk.ledger.access.get(case.subscription or "")
    assert held is not None
    assert (held.state, held.how) == (Access.RESTRICTED, AccessMeans.NONE)
    assert set(desk.backend.told) == {("access.restricted", f"access.restricted/{case.id}")}
    kinds = [event.kind for event in desk.ledger.events.of_case(case.id)]
    assert kinds.count("access.restricted") == 1
    before = _subscription(desk, case)
    assert before != "paused"
    desk.stripe.v1.invoices.pay(case.invoice, {"paid_out_of_band": True})
    order = CloseOrder(**desk.common(case, "close"), outcome=Outcome.RECOVERED_OUTSIDE, because="paid")
    assert desk.run(desk.records.close_case, order).suspended
    assert desk.run(desk.access.restore, desk.access_order(case)).done
    assert desk.backend.told[-1][0] == "access.restored"
    held = desk.ledger.access.get(case.subscription or "")
    assert held is not None
    assert held.state is Access.FULL


def test_nobody_is_restricted_whose_debt_has_ended(desk: Desk) -> None:
    """The last look before the restriction finds the payment that no webhook told of."""
    case = desk.take_up("short")
    desk.stripe.v1.invoices.pay(case.invoice, {"paid_out_of_band": True})
    report = desk.run(desk.access.restrict, desk.access_order(case))
    assert (report.done, report.ended) == (False, Outcome.RECOVERED_OUTSIDE)
    assert desk.backend.told == []
    assert desk.ledger.access.get(case.subscription or "") is None


def test_a_restriction_does_not_undo_a_suspension(desk: Desk) -> None:
    """Where another case has suspended the subscription already, it stays suspended."""
    case = desk.take_up("short")
    desk.run(desk.access.suspend, desk.access_order(case))
    desk.run(desk.access.restrict, desk.access_order(case))
    held = desk.ledger.access.get(case.subscription or "")
    assert held is not None
    assert held.state is Access.SUSPENDED


def _suspended(desk: Desk) -> Case:
    """A case that ended in a suspension which paused its subscription."""
    case = desk.take_up("empty")
    desk.run(desk.access.suspend, desk.access_order(case))
    order = CloseOrder(
        **desk.common(case, "close"), outcome=Outcome.LOST_SUSPENDED, because="nothing was paid"
    )
    desk.run(desk.records.close_case, order)
    return case


def _cancel(desk: Desk, case: Case, *, years_ahead: int = 0) -> LateCancelled:
    now = desk.clock.now()
    order = LateCancel(
        case_id=case.id,
        invoice=case.invoice,
        customer=case.customer,
        subscription=case.subscription or "",
        at=now,
        due_at=now.replace(year=now.year + years_ahead),
        because="nobody came back",
    )
    late = LateCancels(desk.stripe, desk.ledger, desk.clock)
    report: LateCancelled = desk.run(late.cancel_at_last, order)
    return report


def test_a_paused_subscription_is_cancelled_once(desk: Desk) -> None:
    """It ends at Stripe, the ledger knows that it was our doing, and a repetition of the act is no news."""
    case = _suspended(desk)
    assert _cancel(desk, case, years_ahead=1).look_again_at is not None
    assert _subscription(desk, case) == "paused"
    assert _cancel(desk, case).done
    assert _cancel(desk, case).done
    assert _subscription(desk, case) == "canceled"
    held = desk.ledger.access.get(case.subscription or "")
    assert held is not None
    assert held.how is AccessMeans.CANCELLED
    kinds = [event.kind for event in desk.ledger.events.of_case(case.id)]
    assert kinds.count("cancelled_at_last") == 1


def test_a_return_that_has_begun_wins(desk: Desk) -> None:
    """While a return is open nothing is cancelled, also where the act had been begun before and died half-way."""
    case = _suspended(desk)
    order = TakeUp(
        invoice=case.invoice,
        at=desk.clock.now(),
        return_number=2,
        workflow_id=f"recovery/{case.invoice}/r2",
        run_id="r",
    )
    assert desk.run(desk.payments.take_up, order).case is not None
    subscription, customer = case.subscription or "", case.customer
    for how in (AccessMeans.PAUSED, AccessMeans.CANCELLED):
        desk.ledger.access.note(subscription, customer, Access.SUSPENDED, how, case.id, desk.clock.now())
        report = _cancel(desk, case)
        assert (report.done, report.look_again_at is not None) == (False, True)
        held = desk.ledger.access.get(subscription)
        assert held is not None
        assert held.how is AccessMeans.PAUSED
    assert _subscription(desk, case) == "paused"


@pytest.mark.parametrize(
    ("happened", "because"),
    [
        ("paid", "paid outside"),
        ("restored", "the access was restored"),
        ("resumed", "not paused any more"),
        ("later", "the later suspension by in_2 decides"),
    ],
)
def test_nothing_is_cancelled_that_came_back(desk: Desk, happened: str, because: str) -> None:
    """A debt that was paid, an access that was restored, a subscription that somebody resumed, a later suspension."""
    case = _suspended(desk)
    subscription, now = case.subscription or "", desk.clock.now()
    if happened == "paid":
        desk.stripe.v1.invoices.pay(case.invoice, {"paid_out_of_band": True})
    elif happened == "resumed":
        desk.stripe.v1.subscriptions.resume(
            subscription, {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": "none"}
        )
    else:
        state = Access.FULL if happened == "restored" else Access.SUSPENDED
        whose = case.id if happened == "restored" else "in_2"
        desk.ledger.access.note(subscription, case.customer, state, AccessMeans.PAUSED, whose, now)
    report = _cancel(desk, case)
    assert (report.done, report.look_again_at) == (False, None)
    assert because in report.because
    assert _subscription(desk, case) != "canceled"
