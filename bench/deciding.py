"""Deciding: how many next attempts the planner answers in a second, a case for each line."""

from __future__ import annotations

import json
import time
from pathlib import Path

from bench._rows import Figures, Row

CASES = 4_000


def measure(place: Path, times: int) -> list[Row]:
    """In this process, the tables loaded."""
    del place
    from recoup.commands._sums import one_thread_for_sums

    one_thread_for_sums()
    from recoup.timing._stories import shipped_stories
    from recoup.timing.lines import decided

    stories = shipped_stories()
    lines = [json.dumps(_case(number)) for number in range(CASES)]
    answers = list(decided(lines[:200], stories, window_days=14, attempts=8))
    refused = [answer for answer in answers if "error" in json.loads(answer)]
    if refused:
        raise RuntimeError(f"a case of the bench is refused: {refused[0]}")
    rates = []
    for _ in range(times):
        began = time.process_time()
        for _answer in decided(lines, stories, window_days=14, attempts=8):
            pass
        rates.append(CASES / (time.process_time() - began))
    return [
        Row(
            "decide",
            "`recoup timing decide`",
            "≥ 2000 /s",
            Figures("answers for each CPU-second", "/s", tuple(rates)),
            limit=2000,
            at_least=True,
        )
    ]


def _case(number: int) -> dict[str, object]:
    hour, day = number % 24, 1 + number % 27
    failed = f"2026-10-{day:02}T{hour:02}:17:00Z"
    codes = ("insufficient_funds", "do_not_honor", "generic_decline", "try_again_later")
    return {
        "case": f"in_{number}",
        "now": failed,
        "first_failed_at": failed,
        "amount": 900 + number,
        "currency": "eur",
        "country": ("PL", "DE", "US")[number % 3],
        "brand": "visa",
        "funding": "debit",
        "attempts": [{"number": 1, "at": failed, "decline": {"code": codes[number % 4]}}],
    }
