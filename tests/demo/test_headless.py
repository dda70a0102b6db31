"""``recoup demo --headless``: what it says, what it writes, what it leaves."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from recoup.worlds import demo_world_path, load_world
from tests.demo.conftest import Ran

pytestmark = pytest.mark.stack

WORLD = load_world(demo_world_path())


def test_every_case_ends_as_its_world_says(headless: Ran) -> None:
    """Each customer's case, and each return, has the outcome that the world expects, and the command says so with 0."""
    ended = {(each["customer"], each["is_return"]): each["outcome"] for each in headless.report["cases"]}
    expected = {(key, False): person.expects for key, person in WORLD.customers.items()}
    expected |= {
        (key, True): person.expects_return for key, person in WORLD.customers.items() if person.expects_return
    }
    assert expected == ended, headless.output
    assert headless.report["problems"] == []
    assert headless.exit_code == 0, headless.output


def test_the_books_agree(headless: Ran) -> None:
    """Each paid invoice has exactly one successful charge, each that ended suspended has none."""
    books = {entry["id"]: entry for entry in headless.report["books"]}
    returned = {each["case"].split("/")[0] for each in headless.report["cases"] if each["is_return"]}
    for case in headless.report["cases"]:
        entry = books[case["case"].split("/")[0]]
        if case["outcome"].startswith("recovered"):
            assert (entry["status"], len(entry["successful_charges"])) == ("paid", 1)
        elif case["case"] not in returned:
            assert (entry["status"], entry["successful_charges"]) == ("open", [])


def test_a_stolen_card_is_never_tried_again(headless: Ran) -> None:
    """The stolen card was charged once, at the renewal, and by no attempt of ours."""
    case = headless.case("george")
    assert [each for each in case["timeline"] if each["kind"] == "attempt"] == []
    entry = next(each for each in headless.report["books"] if each["id"] == case["case"])
    assert entry["failed_charges"] == 1


def test_the_pause_that_a_bank_asks_for_is_given(headless: Ran) -> None:
    """The card whose bank asks for two days is tried once, two days after the refusal, and that attempt wins."""
    timeline = headless.case("martin")["timeline"]
    refused_at = datetime.fromisoformat(timeline[0]["at"])
    attempts = [each for each in timeline if each["kind"] == "attempt"]
    assert [each["what"] for each in attempts] == ["attempt 1 paid"]
    assert datetime.fromisoformat(attempts[0]["at"]) - refused_at >= timedelta(days=2) - timedelta(minutes=1)


def test_timelines_are_ordered_and_every_line_has_a_reason(headless: Ran) -> None:
    """Moments never run backwards, and nothing happens without a because."""
    for case in headless.report["cases"]:
        moments = [each["at"] for each in case["timeline"]]
        assert moments
        assert all(earlier <= later for earlier, later in pairwise(moments))
        assert all(each["because"] and each["what"] and each["kind"] for each in case["timeline"])
        assert case["because"]


def test_the_report_holds_nothing_personal(headless: Ran) -> None:
    """No name and no address of the world's customers stands in the report."""
    text = str(headless.report)
    for person in WORLD.customers.values():
        assert person.name not in text
        assert person.email not in text


def test_nothing_is_left_running(headless: Ran) -> None:
    """All processes are gone when the command has ended."""
    assert headless.left == []


def test_nothing_failed_on_the_way(headless: Ran) -> None:
    """Worker and starter wrote no error into their logs."""
    for name in ("worker", "starter"):
        log = (headless.directory / f"{name}.log").read_text()
        assert '"level": "error"' not in log
        assert "Traceback" not in log
