"""Logs: the attempts that a company in a world would have on record, in the form from which a model learns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from recoup.rules.policy import Campaign
from recoup.simulation.cases import Cases
from recoup.simulation.course import Course
from recoup.simulation.play import Chooser, chance_at, situation_of
from recoup.timing.draws import uniforms


def attempts_of(cases: Cases, campaign: Campaign, chooser: Chooser | None = None) -> Iterator[dict[str, Any]]:
    """Every attempt of these cases with its outcome, drawn; in the order of cases. Without a chooser by the campaign's schedule."""
    for case in range(len(cases)):
        course = Course(campaign, cases.brand[case])
        left = len(campaign.retries.after_days)
        yield _line(cases, case, 0.0, 1, "declined")
        turn, before, number = course.opened(cases.decline(case, 0)), 0.0, 1
        while True:
            if chooser is None:
                turn = course.begin(cases.decline(case, 0)) if number == 1 else turn
            else:
                at = (
                    chooser.next_attempt(cases, case, situation_of(cases, case, turn), left) if left else None
                )
                turn = course.aimed(turn, at)
            if turn.due is None or turn.due >= cases.ends[case]:
                break
            number, left = number + 1, left - 1
            chance = chance_at(cases, case, turn.due, before)
            approved = bool(uniforms(int(cases.seeds[case]), 91, number)[0] < chance)
            yield _line(cases, case, turn.due, number, "approved" if approved else "declined")
            if approved:
                break
            before = turn.due
            decline = cases.decline(case, turn.due)
            turn = course.declined(turn, decline) if chooser is None else course.folded(turn, decline)


def _line(cases: Cases, case: int, seconds: float, number: int, outcome: str) -> dict[str, Any]:
    failed_at = cases.failed_at[case]
    decline = cases.decline(case, seconds)
    said = {
        "code": decline.code,
        "advice": None,
        "network_code": decline.network_decline_code,
        "network_advice": None,
    }
    return {
        "case": f"case-{case}",
        "at": (failed_at + timedelta(seconds=seconds)).isoformat(),
        "first_failed_at": failed_at.isoformat(),
        "decline": said if outcome == "declined" else None,
        "number": number,
        "amount": int(cases.amount[case]),
        "currency": cases.world.mix.currency,
        "country": cases.country[case],
        "brand": cases.brand[case],
        "funding": cases.funding[case],
        "issuer": str(cases.issuer[case]),
        "outcome": outcome,
    }


def as_text(lines: Iterator[dict[str, Any]]) -> list[str]:
    """JSON Lines in order of time."""
    return [json.dumps(line) for line in sorted(lines, key=lambda line: (line["at"], line["number"]))]
