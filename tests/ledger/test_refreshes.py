"""Mass updates in the ledger: each target once, whoever adds or works, and results that stand."""

from __future__ import annotations

import pytest

from recoup.ledger import (
    Ledger,
    MarkRow,
    Mirrored,
    MirroredCard,
    NotInLedger,
    Selection,
    TargetDone,
    TargetState,
)
from recoup.ledger import refreshes as module
from tests.ledger.builders import NOW, after, at_once

LISTED = Selection(listed=True)


def mirror(ledger: Ledger, *cards: MirroredCard) -> None:
    """Have these cards in the mirror."""
    for card in cards:
        ledger.mirror.write_customer(
            MarkRow(customer=card.customer, marked_at=NOW), Mirrored(cards=(card,)), NOW
        )


def a_card(number: int, **more: object) -> MirroredCard:
    values = {"method": f"pm_{number}", "customer": f"cus_{number}", "exp_year": 2027, "exp_month": 3}
    return MirroredCard.model_validate(values | more)


def done(target: int, state: TargetState = TargetState.TOLD) -> TargetDone:
    return TargetDone(id=target, customer="cus_1", state=state, because="the test says so")


def test_each_reference_is_a_target_once(ledger: Ledger) -> None:
    """Added twice, or by four at once, it is one target; what is done stays done, and another update has its own."""
    ledger.refreshes.begin("autumn", LISTED, 1000, NOW)
    assert ledger.refreshes.add("autumn", ["pm_1", "pm_2"]) == 2
    (first, _) = ledger.refreshes.waiting("autumn", NOW, 10)
    ledger.refreshes.note([done(first.id)], NOW)
    at_once(4, lambda _: ledger.refreshes.add("autumn", ["pm_1", "pm_2", "pm_3"]))
    assert [row.reference for row in ledger.refreshes.waiting("autumn", NOW, 10)] == ["pm_2", "pm_3"]
    ledger.refreshes.begin("winter", LISTED, 1000, NOW)
    assert ledger.refreshes.add("winter", ["pm_1"]) == 1


def test_the_first_word_about_a_target_stands(ledger: Ledger) -> None:
    """A page that was worked through twice, by a worker taken for dead, changes no result."""
    ledger.refreshes.begin("autumn", LISTED, 1000, NOW)
    ledger.refreshes.add("autumn", ["pm_1"])
    (target,) = ledger.refreshes.waiting("autumn", NOW, 10)
    ledger.refreshes.note([done(target.id, TargetState.FAILED)], NOW)
    ledger.refreshes.note([done(target.id), done(404)], after(minutes=1))
    ledger.refreshes.note([], NOW)
    (row,) = ledger.refreshes.refused("autumn", 10)
    assert (row.state, row.because, row.done_at) == (TargetState.FAILED, "the test says so", NOW)
    assert ledger.refreshes.tally("autumn") == {
        state: int(state is TargetState.FAILED) for state in TargetState
    }


def test_begun_again_it_keeps_its_choice(ledger: Ledger) -> None:
    """The rate is the new one, the choice the first one; it is not finished any more, and begins and ends once in the events."""
    choice = Selection(expires="2027-03", issuer="Northwind Bank")
    ledger.refreshes.begin("march", choice, 10, NOW)
    ledger.refreshes.finish("march", after(days=1))
    ledger.refreshes.finish("march", after(days=2))
    again = ledger.refreshes.begin("march", Selection(bin="42"), 20, after(days=3))
    assert (again.selection, again.per_hour, again.begun_at, again.finished_at) == (choice, 20, NOW, None)
    kinds = [event.kind for event in ledger.events.since(0) if event.kind.startswith("refresh_")]
    assert kinds == ["refresh_begun", "refresh_finished"]
    assert ledger.refreshes.get("nobody") is None
    with pytest.raises(NotInLedger):
        ledger.refreshes.select("nobody", "")


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [
        (Selection(expires="2027-03"), ["pm_1", "pm_2", "pm_3", "pm_5"]),
        (Selection(issuer="northwind bank"), ["pm_2", "pm_4"]),
        (Selection(bin="4242"), ["pm_3", "pm_4"]),
        (Selection(bin="42_2"), []),
        (Selection(bin="4242", issuer="Northwind Bank"), ["pm_4"]),
        (Selection(issuer="Nobody's"), []),
    ],
    ids=["month", "issuer", "bin", "no pattern", "both", "nobody"],
)
def test_what_is_chosen_of_the_mirror(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, choice: Selection, chosen: list[str]
) -> None:
    """All that is given has to be true; page by page, each card once, with its customer and its version."""
    monkeypatch.setattr(module, "SELECTED_AT_ONCE", 2)
    mirror(
        ledger,
        a_card(1),
        a_card(2, issuer="Northwind Bank"),
        a_card(3, bin="424242"),
        a_card(4, bin="42424299", issuer="Northwind Bank", exp_month=4),
        a_card(5, issuer="Other"),
    )
    ledger.refreshes.begin("some", choice, 1, NOW)
    place: str | None = ""
    while place is not None:
        _, place = ledger.refreshes.select("some", place)
    targets = ledger.refreshes.waiting("some", NOW, 10)
    assert [target.reference for target in targets] == chosen
    assert all(target.version and target.customer for target in targets)
    assert ledger.refreshes.select("some", "")[0] == 0, "nobody twice"


def test_a_card_of_the_mirror_is_taken_in_with_its_version(ledger: Ledger) -> None:
    """From a list too, so that a renewal until its turn is noticed; what the mirror does not know has none."""
    mirror(ledger, a_card(1, fingerprint="fp"))
    ledger.refreshes.begin("autumn", LISTED, 1, NOW)
    ledger.refreshes.add("autumn", ["pm_1", "pm_9", "cus_1"])
    versions = [(row.customer, row.version) for row in ledger.refreshes.waiting("autumn", NOW, 10)]
    assert versions == [("cus_1", "pm_1/2027-03/fp"), (None, None), (None, None)]
    assert (ledger.refreshes.knows("issuer"), ledger.refreshes.knows("bin")) == (False, False)
