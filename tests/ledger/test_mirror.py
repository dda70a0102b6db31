"""The mirror of cards in the ledger: whoever reads or writes first, the newest reading stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from recoup.ledger import Ledger, MarkRow, Mirrored, MirroredCard, MirroredRenewal
from tests.ledger.builders import NOW, after, at_once


def a_mirror(customer: str = "cus_1", **card: Any) -> Mirrored:
    """One subscription and its card."""
    values: dict[str, Any] = {
        "method": f"pm_{customer}",
        "customer": customer,
        "exp_year": 2026,
        "exp_month": 12,
    }
    renewal = MirroredRenewal(
        subscription=f"sub_{customer}",
        customer=customer,
        method=f"pm_{customer}",
        renews_at=after(days=20),
        interval="month",
        interval_count=1,
        amount=4900,
        currency="pln",
    )
    return Mirrored(renewals=(renewal,), cards=(MirroredCard(**(values | card)),))


def month(ledger: Ledger, customer: str = "cus_1") -> tuple[int, int]:
    """The last month of the customer's one card."""
    (found,) = ledger.mirror.of_customer(customer)
    return found.card.exp_year, found.card.exp_month


def mark(at: datetime = NOW, customer: str = "cus_1") -> MarkRow:
    return MarkRow(customer=customer, marked_at=at)


def test_a_page_that_was_read_earlier_overwrites_nothing_newer(ledger: Ledger) -> None:
    """An import page that is written after a customer was read again leaves the newer reading as it is."""
    begun = ledger.mirror.begin_import(NOW, NOW)
    assert begun is not None
    ledger.mirror.write_customer(mark(), a_mirror(exp_year=2030), after(minutes=2))
    ledger.mirror.write_page(begun, a_mirror(), 1, None, after(minutes=1))
    assert month(ledger) == (2030, 12)


def test_a_mark_made_while_the_customer_is_read_stays(ledger: Ledger) -> None:
    """What changed during the reading is read once more; what was marked before it is done with."""
    ledger.mirror.mark("cus_1", NOW)
    (seen,) = ledger.mirror.marked(10)
    ledger.mirror.mark("cus_1", after(seconds=5))
    ledger.mirror.write_customer(seen, a_mirror(), after(seconds=1))
    assert [row.marked_at for row in ledger.mirror.marked(10)] == [after(seconds=5)]
    ledger.mirror.write_customer(mark(after(seconds=5)), a_mirror(), after(seconds=6))
    assert ledger.mirror.marked(10) == []


def test_two_that_import_at_once_lose_no_page(ledger: Ledger) -> None:
    """Both may read the same page; the import moves on by it once, and another import begins only when it is due."""
    begun = [ledger.mirror.begin_import(NOW, NOW) for _ in range(2)]
    assert begun[0] == begun[1]
    assert begun[0] is not None
    import_ = begun[0]
    pages = at_once(2, lambda _: ledger.mirror.write_page(import_, a_mirror(), 100, "sub_9", NOW))
    assert {(page.after, page.seen) for page in pages} == {("sub_9", 100)}
    last = ledger.mirror.write_page(pages[0], a_mirror("cus_2"), 1, None, after(minutes=1))
    assert (last.seen, last.finished_at) == (101, after(minutes=1))
    assert ledger.mirror.begin_import(after(days=1), after(days=-6)) is None
    assert ledger.mirror.begin_import(after(days=8), after(days=1)) is not None


def test_who_is_behind_does_not_move_an_import_back(ledger: Ledger) -> None:
    """A page that a slow one writes, when the import is further on by now, is kept, and the import stays where it is."""
    begun = ledger.mirror.begin_import(NOW, NOW)
    assert begun is not None
    second = ledger.mirror.write_page(begun, a_mirror(), 100, "sub_1", NOW)
    third = ledger.mirror.write_page(second, a_mirror(), 100, "sub_2", NOW)
    assert ledger.mirror.write_page(begun, a_mirror("cus_2"), 100, "sub_1", NOW) == third
    assert ledger.mirror.last_import() == third
    assert month(ledger, "cus_2") == (2026, 12)
    ledger.mirror.restart_import(begun)
    assert ledger.mirror.last_import() == third
    ledger.mirror.restart_import(third)
    restarted = ledger.mirror.last_import()
    assert restarted is not None
    assert (restarted.after, restarted.seen) == (None, 0)


def test_what_an_import_does_not_see_any_more_goes(ledger: Ledger) -> None:
    """After the last page only what was read since the import began is left."""
    ledger.mirror.write_customer(mark(after(days=-1), "cus_old"), a_mirror("cus_old"), after(days=-1))
    begun = ledger.mirror.begin_import(NOW, NOW)
    assert begun is not None
    ledger.mirror.write_page(begun, a_mirror(), 1, None, after(minutes=1))
    assert ledger.mirror.of_customer("cus_old") == []
    assert ledger.mirror.renewals_of("cus_old") == []
    assert month(ledger) == (2026, 12)


def test_expiring_cards_come_page_by_page(ledger: Ledger) -> None:
    """Each card between the two months once, in order, with its renewals; earlier and later months are left out."""
    months = [(2026, 9), (2026, 10), (2026, 12), (2027, 1), (2027, 2)]
    for number, (year, of_year) in enumerate(months):
        customer = f"cus_{number}"
        mirrored = a_mirror(customer, exp_year=year, exp_month=of_year)
        ledger.mirror.write_customer(mark(customer=customer), mirrored, NOW)
    since, until = after(days=-31), after(days=70)  # October 2026 and January 2027
    first = ledger.mirror.expiring(since, until, "", 2)
    second = ledger.mirror.expiring(since, until, first[-1].card.method, 2)
    assert [found.card.customer for found in (*first, *second)] == ["cus_1", "cus_2", "cus_3"]
    assert [renewal.subscription for found in first for renewal in found.renewals] == [
        "sub_cus_1",
        "sub_cus_2",
    ]
