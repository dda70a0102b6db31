"""Cases to plan for, and how to write them down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from recoup.rules.declines import Decline
from recoup.timing.situation import Limits, Situation, Tried

T0 = datetime(2026, 11, 24, 14, 20, tzinfo=UTC)

SOFT = (
    Decline(code="insufficient_funds", network_decline_code="51", brand="visa"),
    Decline(code="do_not_honor", network_decline_code="05", brand="visa"),
    Decline(code="processing_error"),
    Decline(code="card_velocity_exceeded"),
    Decline(code="insufficient_funds", network_advice_code="26", brand="mastercard"),
)


def failed(code: str = "insufficient_funds", at: datetime = T0, **known: object) -> Situation:
    """A case whose first attempt was just refused."""
    decline = known.pop("decline", None) or Decline(code=code)
    assert isinstance(decline, Decline)
    facts: dict[str, object] = {"amount": 4900, "currency": "usd", "country": "US", "brand": "visa"} | known
    return Situation(now=at, first_failed_at=at, tried=(Tried(at, decline),), **facts)  # type: ignore[arg-type]


def window(days: float = 14, attempts: int = 8, start: datetime = T0, **more: object) -> Limits:
    """So many attempts in so many days."""
    return Limits(until=start + timedelta(days=days), attempts_left=attempts, **more)  # type: ignore[arg-type]


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Cases of all kinds, refused up to six times."""
    start = draw(st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC)))
    moments = [start]
    for _ in range(draw(st.integers(0, 5))):
        moments.append(moments[-1] + draw(st.timedeltas(timedelta(hours=1), timedelta(days=4))))
    return Situation(
        now=moments[-1] + draw(st.timedeltas(timedelta(0), timedelta(days=3))),
        first_failed_at=start,
        tried=tuple(Tried(at, draw(st.sampled_from(SOFT))) for at in moments),
        amount=draw(st.integers(0, 10_000_00)),
        currency=draw(st.sampled_from(["usd", "eur", "jpy", "pln"])),
        country=draw(st.sampled_from(["US", "PL", "GB", "JP", "XX", None])),
        timezone=draw(
            st.sampled_from([None, "Europe/Warsaw", "America/New_York", "Asia/Kolkata", "No/Where"])
        ),
        brand=draw(st.sampled_from(["visa", "mastercard", "amex", None])),
        payer_successes=tuple(start - timedelta(days=30 * n) for n in range(draw(st.integers(0, 3)))),
    )


@st.composite
def limits_for(draw: st.DrawFn, situation: Situation) -> Limits:
    """Bounds of all kinds for a case."""
    return Limits(
        until=situation.first_failed_at + timedelta(days=draw(st.sampled_from([7, 14, 28, 60]))),
        attempts_left=draw(st.integers(0, 8)),
        min_gap=timedelta(hours=draw(st.integers(1, 72))),
        not_before=draw(st.sampled_from([None, situation.now + timedelta(days=2)])),
        cap=draw(st.integers(1, 20)),
        quiet_hours=draw(st.sampled_from([None, (22, 7), (8, 17)])),
        card_attempts=tuple(situation.now - timedelta(hours=5 * n) for n in range(draw(st.integers(0, 12)))),
    )
