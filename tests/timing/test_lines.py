"""`recoup timing decide`: a line in, a line out, and a mistake concerns its own line alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from recoup.timing._stories import shipped_stories
from recoup.timing.lines import decided

CASE: dict[str, Any] = {
    "case": "in_1",
    "first_failed_at": "2026-11-24T14:20:00Z",
    "now": "2026-11-24T14:20:00Z",
    "amount": 4900,
    "currency": "usd",
    "country": "US",
    "timezone": "America/New_York",
    "brand": "visa",
    "funding": "debit",
    "issuer": "bank-7",
    "tenure_days": 120,
    "payer_successes": ["2026-10-24T14:20:00Z"],
    "attempts": [
        {
            "number": 1,
            "at": "2026-11-24T14:20:00Z",
            "decline": {
                "code": "insufficient_funds",
                "advice": None,
                "network_code": "51",
                "network_advice": None,
            },
            "outcome": "declined",
        }
    ],
}


def answers(*cases: Any, window_days: float = 14, attempts: int = 8) -> list[dict[str, Any]]:
    lines = [case if isinstance(case, str) else json.dumps(case) for case in cases]
    said = decided(lines, shipped_stories(), window_days=window_days, attempts=attempts)
    return [json.loads(line) for line in said]


def test_a_case_is_answered_with_a_moment_a_chance_and_a_reason() -> None:
    """The answer names the case, a moment in the window, the chance of that attempt, and why."""
    (said,) = answers(CASE)
    assert set(said) == {"case", "at", "expected", "because"}
    assert said["case"] == "in_1"
    assert "2026-11-24T14:20:00Z" < said["at"] < "2026-12-08T14:20:00Z"
    assert 0 < said["expected"] < 1
    assert said["because"]


def test_a_line_that_cannot_be_used_does_not_stop_the_others() -> None:
    """Nonsense, a missing key and a time without an offset are answered on their own lines, with their number."""
    said = answers(CASE, "nonsense", {"case": "in_2"}, CASE | {"now": "2026-11-24T14:20:00"}, CASE)
    assert [answer.get("line") for answer in said] == [None, 2, 3, 4, None]
    assert said[1]["case"] is None
    assert said[2]["case"] == "in_2"
    assert "now" in said[3]["error"]
    assert said[0] == said[4]


def test_keys_of_tomorrow_are_ignored() -> None:
    """A caller may send more than is read, and get the same answer."""
    assert answers(CASE | {"weather": "rain"}) == answers(CASE)


def test_no_attempt_is_left_after_the_last() -> None:
    """`--attempts` counts retries: with as many made there is none left; an approved case needs none."""
    again = {**CASE["attempts"][0], "number": 2, "at": "2026-11-26T14:20:00Z"}
    case = CASE | {"attempts": [*CASE["attempts"], again], "now": again["at"]}
    assert answers(case, attempts=1)[0]["at"] is None
    assert answers(case, attempts=2)[0]["at"] is not None
    assert answers(CASE, attempts=0)[0]["at"] is None
    paid = CASE | {"attempts": [CASE["attempts"][0] | {"outcome": "approved", "decline": None}]}
    assert answers(paid)[0]["because"] == "the case has ended: approved"


def test_the_command_answers_line_by_line() -> None:
    """An answer comes before the next line is sent: nothing waits for the end of the input."""
    with subprocess.Popen(
        [sys.executable, "-m", "recoup", "timing", "decide", "--window-days", "10"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": "."},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            process.stdin.write(json.dumps(CASE) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["case"] == "in_1"
        process.stdin.close()
    assert process.returncode == 0


def test_a_batch_shared_by_two_processes_is_answered_in_its_order() -> None:
    """Hundreds of lines sent at once, mistakes and empty lines among them, are answered as one process would, each at its number."""
    lines = [json.dumps(CASE | {"case": f"in_{number}", "amount": 100 * number}) for number in range(300)]
    lines[7], lines[40], lines[211], lines[212] = "nonsense", "", "{}", '{"case": "in_212"}'
    said = subprocess.run(
        [sys.executable, "-m", "recoup", "timing", "decide"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": "."},
    )
    assert said.stdout.splitlines() == list(decided(lines, shipped_stories(), window_days=14, attempts=8))
    assert [answer["line"] for answer in map(json.loads, said.stdout.splitlines()) if "line" in answer] == [
        8,
        212,
        213,
    ]


def test_the_face_of_timing_loads_nothing_heavy() -> None:
    """Importing the package brings in neither numpy nor pydantic's models: a command that plans nothing does not wait."""
    code = "import sys, recoup.timing; sys.exit('numpy' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": "."}, check=False
        ).returncode
        == 0
    )
