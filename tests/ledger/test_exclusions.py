"""Customers who are left alone: no case of theirs begins, on both databases, until somebody takes it back."""

from __future__ import annotations

from datetime import datetime

from recoup.ledger import Ledger
from recoup.rules.case import Outcome
from tests.ledger.builders import NOW, a_case, after, at_once, kinds


def exclude(ledger: Ledger, unique: str = "one", at: datetime = NOW) -> bool:
    return ledger.exclusions.exclude("cus_1", at, actor="kim", because="a friend of the house", unique=unique)


def test_nothing_begins_of_an_excluded_customer(ledger: Ledger) -> None:
    """The refusal says who excluded them and why; another customer's case begins; once taken back, theirs does too."""
    assert exclude(ledger)
    refused = ledger.cases.open(a_case(), NOW)
    assert (refused.admitted, refused.because) == (False, "kim excluded the customer: a friend of the house")
    assert ledger.cases.open(a_case("in_2", customer="cus_2"), NOW).admitted
    assert ledger.exclusions.take_back("cus_1", after(days=1), actor="ada", because="a mistake")
    assert not ledger.exclusions.take_back("cus_1", after(days=1), actor="ada", because="a mistake")
    assert ledger.cases.open(a_case(), after(days=1)).admitted


def test_a_word_is_heard_once(ledger: Ledger) -> None:
    """Eight at once exclude one time; a repeated word does not undo that it was taken back, a new one does."""
    assert sum(at_once(8, lambda n: exclude(ledger, f"word {n}"))) == 1
    ledger.exclusions.take_back("cus_1", after(days=1), actor="ada", because="a mistake")
    said = [event for event in ledger.events.since(0) if event.kind == "customer_excluded"]
    assert not exclude(ledger, str(said[0].unique_key), after(days=2))
    assert ledger.exclusions.of("cus_1") is None
    assert exclude(ledger, "anew", after(days=2))
    assert [row.excluded_at for row in ledger.exclusions.standing()] == [after(days=2)]
    assert kinds(ledger) == ["customer_excluded", "customer_included", "customer_excluded"]


def test_an_open_case_goes_on_and_who_has_paid_gets_the_access_back(ledger: Ledger) -> None:
    """A restarted workflow takes its own case over; a return begins only where the invoice is paid."""
    ledger.cases.open(a_case(), NOW)
    exclude(ledger)
    assert ledger.cases.open(a_case(run_id="run-2"), NOW).admitted
    ledger.cases.close("in_1", Outcome.LOST_SUSPENDED, "the test", NOW)
    assert not ledger.cases.open(a_case("in_1/r2"), NOW).admitted
    assert ledger.cases.open(a_case("in_1/r2"), NOW, is_paid=True).admitted


def test_a_case_and_an_exclusion_at_once_are_not_both_there_unknown_to_each_other(ledger: Ledger) -> None:
    """Whichever comes second knows of the first: either no case begins, or the exclusion sees the case to be told."""

    def one(n: int) -> bool:
        if n:
            return ledger.cases.open(a_case(), NOW).admitted
        exclude(ledger)
        return bool(ledger.cases.open_of_customer("cus_1"))

    seen, admitted = at_once(2, one)
    assert seen == admitted
