"""``recoup integrations``: how the destinations stand, and delivering again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recoup.ledger import DeliveryState, Ledger
from tests.cli.conftest import Recoup
from tests.ledger.builders import NOW, a_case

DESTINATIONS = '[{"kind": "webhook", "name": "company", "url": "http://127.0.0.1:9/", "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}]'


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger with a destination that has refused an event."""
    monkeypatch.setenv("RECOUP_INTEGRATIONS__DESTINATIONS", DESTINATIONS)
    monkeypatch.setenv("RECOUP_TEMPORAL__ADDRESS", "127.0.0.1:9")
    ledger = Ledger.connect(f"sqlite:///{tmp_path / 'recoup.db'}")
    ledger.migrate()
    book = ledger.deliveries
    book.register("company", 0, NOW)
    ledger.cases.open(a_case(), NOW)
    book.claim("company", "w", NOW, NOW - NOW)
    book.refused("company", "w", 1, "cus_1", NOW, "it wants another field", 400)
    book.release("company", "w", 1)
    return ledger


def test_status_says_what_was_parked_and_why(recoup: Recoup, ledger: Ledger) -> None:
    """The line and the sentence, the same as JSON, and the exit code that a monitor can read."""
    said = recoup("integrations", "status")
    assert said.code == 1
    assert said.out.splitlines() == [
        "company (webhook): 0 delivered, 0 waiting, 1 parked, 0 events behind",
        "  event 1, cus_1, refused: it wants another field",
    ]
    (found,) = json.loads(recoup("integrations", "status", "--json").out)
    assert (found["parked"], found["listed"][0]["status"]) == (1, 400)


def test_replay_without_a_temporal_is_kept_for_later(recoup: Recoup, ledger: Ledger) -> None:
    """What is to be sent again stands in the ledger, also when nobody could be woken."""
    said = recoup("integrations", "replay", "--destination", "company", "--parked")
    assert said.code == 0
    assert said.out == "1 to be delivered to company again.\n"
    assert "they go when the destination is looked after next" in said.sentence
    assert ledger.deliveries.counts("company") == {DeliveryState.WAITING: 1}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--destination", "crm", "--parked"), "There is no destination crm: the settings name company"),
        (("--destination", "company", "--since", "yesterday"), "yesterday is no moment"),
        (("--destination", "company", "--since", "2026-11-22"), "2026-11-22 has no time zone"),
        (("--destination", "company", "--event", "99"), "The ledger has no event 99"),
    ],
)
def test_a_replay_that_makes_no_sense_is_refused(
    recoup: Recoup, ledger: Ledger, arguments: tuple[str, ...], sentence: str
) -> None:
    """One sentence says what was wrong."""
    said = recoup("integrations", "replay", *arguments)
    assert said.code == 2
    assert sentence in said.sentence


@pytest.mark.parametrize(
    ("destinations", "sentence"),
    [
        (
            DESTINATIONS.replace("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "???"),
            "must be whsec_ followed by base64",
        ),
        (DESTINATIONS.replace('"kind"', '"events": ["case.opend"], "kind"'), "did you mean case.opened?"),
        (f"{DESTINATIONS[:-1]}, {DESTINATIONS[1:]}", "two destinations are called company"),
    ],
)
def test_the_doctor_finds_a_destination_that_cannot_be_used(
    recoup: Recoup, monkeypatch: pytest.MonkeyPatch, destinations: str, sentence: str
) -> None:
    """A secret, a type of event, a name: each is named, with what to do."""
    monkeypatch.setenv("RECOUP_INTEGRATIONS__DESTINATIONS", destinations)
    found = [
        each for each in json.loads(recoup("doctor", "--json").out)["findings"] if sentence in each["says"]
    ]
    assert [each["grade"] for each in found] == ["mend"]
