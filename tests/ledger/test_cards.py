"""What the guard is told about a card: every attempt on it, ours and everybody else's, in the networks' windows."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from recoup.ledger import AttemptCounts, AttemptResult, Ledger
from recoup.rules.case import AttemptState
from recoup.rules.declines import Decline
from tests.ledger.builders import NOW, a_case, a_charge, after, counts_of, declined, kinds, paid, reserved


def _tried(ledger: Ledger, number: int, at_hours: float, **more: str) -> None:
    invoice = f"in_{number}"
    row = reserved(ledger, after(hours=at_hours), invoice=invoice, request=invoice, **more)
    ledger.attempts.settle(row.id, declined(f"ch_{number}"), after(hours=at_hours))


def test_card_is_counted_over_invoices_customers_and_currencies(ledger: Ledger) -> None:
    """Attempts of different invoices, customers and currencies on one card add up; another card's do not."""
    ledger.cases.open(a_case("in_2", customer="cus_2", currency="eur"), NOW)
    _tried(ledger, 1, -1)
    _tried(ledger, 2, -2, currency="eur")
    _tried(ledger, 3, -3, fingerprint="card_2")
    counts = counts_of(ledger, NOW)
    assert counts.attempts == (after(hours=-2), after(hours=-1))
    assert (counts.in_24h, counts.in_30d) == (2, 2)


def test_windows_end_to_the_second(ledger: Ledger) -> None:
    """An attempt counts until it is exactly 24 hours, and exactly 30 days, old."""
    _tried(ledger, 1, 0)
    second = timedelta(seconds=1)
    assert counts_of(ledger, after(hours=24) - second).in_24h == 1
    at_24h = counts_of(ledger, after(hours=24))
    assert (at_24h.in_24h, at_24h.in_30d) == (0, 1)
    assert counts_of(ledger, after(days=30) - second).in_30d == 1
    assert counts_of(ledger, after(days=30)).attempts == ()


def test_unsettled_attempt_counts_as_made_now(ledger: Ledger) -> None:
    """An attempt whose result is not known may reach the bank at any moment, however long ago it was reserved."""
    row = reserved(ledger)
    ledger.attempts.mark_sent(row.id, NOW)
    ledger.attempts.mark_unknown(row.id, NOW)
    assert counts_of(ledger, after(days=40)).attempts == (after(days=40),)


def test_attempt_counts_from_its_charge_or_the_latest_possible_moment(ledger: Ledger) -> None:
    """A settled attempt counts from the charge's own time where it is known, otherwise from its settling."""
    row = reserved(ledger)
    ledger.attempts.mark_unknown(row.id, NOW)
    ledger.attempts.settle(row.id, declined(charged_at=after(minutes=1)), after(hours=12))
    other = reserved(ledger, invoice="in_2", request="in_2")
    ledger.attempts.mark_unknown(other.id, NOW)
    ledger.attempts.settle(other.id, declined("ch_2"), after(hours=12))
    assert counts_of(ledger, after(hours=13)).attempts == (after(minutes=1), after(hours=12))


def test_pending_debit_counts_from_its_acceptance(ledger: Ledger) -> None:
    """A debit that fails after days counts from the day the bank got it."""
    row = reserved(ledger)
    ledger.attempts.mark_pending(row.id, after(minutes=1), charge="py_1")
    ledger.attempts.settle(row.id, declined(None), after(days=5))
    assert counts_of(ledger, after(days=6)).attempts == (after(minutes=1),)


def test_skipped_attempt_does_not_count(ledger: Ledger) -> None:
    """An attempt that was never sent leaves the card untouched."""
    row = reserved(ledger)
    ledger.attempts.settle(row.id, AttemptResult(state=AttemptState.SKIPPED, because="paid meanwhile"), NOW)
    assert counts_of(ledger, after(minutes=1)).attempts == ()


def test_charges_of_others_count_once(ledger: Ledger) -> None:
    """Stripe's own retry and the hosted page's charge count, however often they are told."""
    assert ledger.attempts.observe(a_charge(made_at=after(hours=-2)), NOW)
    assert not ledger.attempts.observe(a_charge(made_at=after(hours=-2)), after(minutes=1))
    assert ledger.attempts.observe(a_charge("ch_10", invoice=None, customer=None), NOW)
    counts = counts_of(ledger, after(minutes=2))
    assert counts.attempts == (after(hours=-2, minutes=1), after(minutes=1))
    assert kinds(ledger)[:2] == ["charge_observed", "charge_observed"]


def test_a_clock_that_runs_ahead_frees_nothing_too_early(ledger: Ledger) -> None:
    """Stripe's second is cut off and its clock is another: what it saw counts a minute longer than a whole window."""
    ledger.attempts.observe(a_charge(made_at=NOW), NOW)
    second = timedelta(seconds=1)
    assert counts_of(ledger, after(hours=24, minutes=1) - second).in_24h == 1
    assert counts_of(ledger, after(hours=24, minutes=1)).in_24h == 0
    assert counts_of(ledger, after(days=30, minutes=1) - second).in_30d == 1
    assert counts_of(ledger, after(days=30, minutes=1)).attempts == ()


def test_a_final_no_of_the_same_second_as_a_payment_stands(ledger: Ledger) -> None:
    """Which of the two came first nobody can tell any more: the stricter reading holds."""
    never = Decline(code="do_not_honor", network_advice_code="03", brand="mastercard")
    ledger.attempts.observe(a_charge("ch_never", decline=never, made_at=NOW), NOW)
    row = reserved(ledger, NOW, invoice="in_2", request="in_2")
    ledger.attempts.settle(row.id, paid("ch_paid"), NOW)
    assert counts_of(ledger, after(days=2)).final_no is not None


def test_echo_of_our_own_charge_is_not_counted_twice(ledger: Ledger) -> None:
    """One of our charges counts once, whether Stripe tells of it before or after we know that it is ours."""
    row = reserved(ledger)
    assert ledger.attempts.observe(a_charge("ch_1"), NOW)
    assert counts_of(ledger, after(seconds=1)).in_24h == 2
    ledger.attempts.settle(row.id, declined("ch_1"), after(seconds=2))
    assert not ledger.attempts.observe(a_charge("ch_1"), after(seconds=3))
    assert counts_of(ledger, after(seconds=4)).attempts == (after(seconds=2),)
    late = reserved(ledger, after(minutes=1), invoice="in_2", request="in_2")
    ledger.attempts.settle(late.id, declined("ch_2"), after(minutes=1))
    assert not ledger.attempts.observe(a_charge("ch_2"), after(minutes=2))
    assert counts_of(ledger, after(minutes=3)).in_24h == 2


def test_observed_charge_can_fail_later(ledger: Ledger) -> None:
    """A debit seen as pending and seen again as failed is one charge, now with its decline."""
    pending = a_charge("py_1", failed=False, decline=None)
    assert ledger.attempts.observe(pending, NOW)
    failed = a_charge("py_1", decline=Decline(code="insufficient_funds", method_type="sepa_debit"))
    assert not ledger.attempts.observe(failed, after(days=3))
    assert not ledger.attempts.observe(pending, after(days=4))
    counts = counts_of(ledger, after(days=5))
    assert counts.attempts == (after(minutes=1),)
    assert counts.last_decline is not None
    assert counts.last_decline.decline.method_type == "sepa_debit"
    assert kinds(ledger)[:2] == ["charge_observed", "observed_charge_failed"]


def test_last_decline_is_the_newest_of_all_and_never_forgotten(ledger: Ledger) -> None:
    """The newest refusal of the card is told with its network codes, ours or not, after the windows too."""
    mine = Decline(
        code="do_not_honor", network_decline_code="05", network_advice_code="02", brand="mastercard"
    )
    row = reserved(ledger)
    ledger.attempts.settle(row.id, AttemptResult(state=AttemptState.DECLINED, decline=mine), NOW)
    past = counts_of(ledger, after(days=100)).last_decline
    assert past is not None
    assert (past.at, past.decline) == (NOW, mine)
    ledger.attempts.observe(a_charge(decline=Decline(code="stolen_card")), after(days=101))
    past = counts_of(ledger, after(days=102)).last_decline
    assert past is not None
    assert past.decline.code == "stolen_card"


def test_a_final_no_stands_until_the_card_pays(ledger: Ledger) -> None:
    """Neither a milder refusal after a network's "never" nor a year undoes it; a payment does."""
    never = Decline(code="do_not_honor", network_advice_code="03", brand="mastercard")
    ledger.attempts.observe(a_charge("ch_never", decline=never, made_at=NOW), NOW)
    ledger.attempts.observe(a_charge("ch_mild", made_at=after(hours=1)), after(hours=1))
    counts = counts_of(ledger, after(hours=2))
    assert counts.last_decline is not None
    assert counts.last_decline.at == after(hours=1)
    assert counts.final_no is not None
    assert (counts.final_no.at, counts.final_no.decline) == (NOW, never)
    assert counts_of(ledger, after(days=365)).final_no == counts.final_no
    row = reserved(ledger, after(days=1), invoice="in_2", request="in_2")
    ledger.attempts.settle(row.id, paid("ch_paid"), after(days=1))
    assert counts_of(ledger, after(days=2)).final_no is None


def test_card_without_fingerprint_is_not_counted(ledger: Ledger) -> None:
    """Where Stripe gives no fingerprint the guard is asked all the same, with nothing counted."""
    reserved(ledger, fingerprint=None)
    counts = counts_of(ledger, NOW, fingerprint=None)
    assert counts == AttemptCounts(at=NOW, fingerprint=None)


@given(st.lists(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=31)), max_size=40))
def test_counting_a_window_is_counting_its_moments(ages: list[timedelta]) -> None:
    """Each window holds exactly the attempts younger than it."""
    counts = AttemptCounts(
        at=NOW, fingerprint="card_1", attempts=tuple(NOW - age for age in sorted(ages)[::-1])
    )
    assert counts.in_24h == sum(age < timedelta(hours=24) for age in ages)
    assert counts.in_30d == sum(age < timedelta(days=30) for age in ages)
