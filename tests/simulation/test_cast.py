"""Customers of the simulator as a world of the sandbox: the same failures, the same chances, the same codes, the same ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from recoup.cli import cli
from recoup.errors import ConfigurationError
from recoup.simulation import cast
from recoup.simulation.cases import Cases, Season, draw_cases
from recoup.simulation.cast import LEAST_DAYS, world_file
from recoup.simulation.play import chance_at, is_impatient
from recoup.simulation.population import load_population, read_population, shipped_names
from recoup.timing.situation import zone_of
from recoup.worlds import PastAttempt, PaymentRequest, World, read_world
from recoup.worlds.issuer import IssuerAnswer, answer

MONDAY = datetime(2027, 1, 4, tzinfo=UTC)
SEASON = Season.weeks_from(MONDAY)
COUNT, SEED = 40, 7
PAY = PaymentRequest(100, "usd")


@cache
def played(name: str) -> tuple[Cases, World]:
    """Cases of a shipped world, and the world of the sandbox that has them."""
    population = load_population(name)
    drawn = draw_cases(population, COUNT, seed=SEED, window_days=LEAST_DAYS, season=SEASON)
    return drawn, read_world(world_file(population, COUNT, seed=SEED, window_days=14, season=SEASON))


def key(case: int) -> str:
    return f"c{case + 1:04}"


def asked(world: World, drawn: Cases, case: int, seconds: float, before: float, turn: int) -> IssuerAnswer:
    """What the bank says so many seconds after the failure, the attempt before having been made ``before``; each turn draws anew."""
    past = [PastAttempt(drawn.failed_at[case] + timedelta(seconds=each)) for each in (0.0, before)]
    now = drawn.failed_at[case] + timedelta(seconds=seconds)
    return answer(world.cards[f"{key(case)}_card"], PAY, past, now, key=key(case), seed=turn)


@pytest.mark.parametrize("name", shipped_names())
def test_every_renewal_is_refused_with_the_codes_of_its_case(name: str) -> None:
    """The first attempt on each card is refused with what the case's bank says first, in worlds whose hour has a chance too."""
    drawn, world = played(name)
    for case in range(COUNT):
        said = world.issuer_answer(f"{key(case)}_card", PAY, [], drawn.failed_at[case])
        decline = drawn.decline(case, 0)
        assert (said.outcome, said.decline_code) == ("declined", decline.code)
        assert said.network_decline_code == decline.network_decline_code


@pytest.mark.parametrize("gap_hours", [6, 30])
@pytest.mark.parametrize("name", ["reference", "night"])
def test_every_hour_has_the_chance_and_the_codes_of_its_case(name: str, gap_hours: int) -> None:
    """Where the simulator sees no chance none is there, refusals carry the day's codes, and approvals come as often as their chances add up to."""
    drawn, world = played(name)
    expected, spread, approved = 0.0, 0.0, 0
    for case in range(COUNT):
        for hour in range(gap_hours, LEAST_DAYS * 24, 5):
            seconds, before = hour * 3600.0 + 7, (hour - gap_hours) * 3600.0
            chance = chance_at(drawn, case, seconds, before)
            said = asked(world, drawn, case, seconds, before, hour)
            expected, spread = expected + chance, spread + chance * (1 - chance)
            approved += said.outcome == "approved"
            assert said.outcome != "approved" or chance > 0
            if said.outcome != "approved":
                decline = drawn.decline(case, seconds)
                told = (said.decline_code, said.network_decline_code)
                assert told == (decline.code, decline.network_decline_code)
    assert expected > 100
    assert abs(approved - expected) < 4 * spread**0.5 + 1


def test_a_held_card_takes_haste_as_ill_as_in_the_simulator() -> None:
    """On held cards attempts within the hours of impatience are approved as much less often as the simulator counts."""
    drawn, world = played("reference")
    shares = {}
    for gap in (6, 30):
        chances, approved = [], 0
        for case in (case for case in range(COUNT) if is_impatient(drawn, case)):
            for hour in range(40, LEAST_DAYS * 24):
                seconds, before = hour * 3600.0, (hour - gap) * 3600.0
                chances.append(chance_at(drawn, case, seconds, before))
                approved += asked(world, drawn, case, seconds, before, hour).outcome == "approved"
        assert abs(approved - sum(chances)) < 3 * sum(each * (1 - each) for each in chances) ** 0.5
        shares[gap] = approved / len(chances)
    assert shares[6] < shares[30]


def test_a_bank_that_wants_the_customer_asks_for_authentication() -> None:
    """Cards of customers who have to confirm ask for 3-D Secure, so that the hosted page can confirm."""
    drawn, world = played("reference")
    asks = [case for case in range(COUNT) if drawn.decline(case, 3600).code == "authentication_required"]
    assert asks
    assert {asked(world, drawn, case, 3600.0, 0.0, 1).outcome for case in asks} == {"authentication_required"}


def test_customers_are_those_of_the_cases() -> None:
    """Moment, amount, country, zone, card and the customer's own end stand in the file as they were drawn."""
    drawn, world = played("reference")
    for case, (name, customer) in enumerate(world.customers.items()):
        card, (subscription,) = world.cards[f"{name}_card"], customer.subscriptions
        assert world.starts_at(MONDAY) + subscription.renews_in.length == drawn.failed_at[case]
        assert (subscription.amount, subscription.currency) == (drawn.amount[case], "usd")
        assert (card.brand, card.funding) == (drawn.brand[case], drawn.funding[case])
        assert customer.country == card.country == drawn.country[case]
        assert customer.timezone == str(zone_of(None, drawn.country[case]))
        acts = world.own_acts(name)
        assert len(acts) == (drawn.ends[case] < LEAST_DAYS * 86400)
        for act in acts:
            assert abs(act.at.length.total_seconds() - drawn.ends[case]) <= 1
            does = "update_card_elsewhere" if drawn.updated[case] else "cancel_subscription"
            assert (act.does, act.card) == (does, f"{name}_new" if drawn.updated[case] else None)
    assert {act.does for name in world.customers for act in world.own_acts(name)} == {
        "update_card_elsewhere",
        "cancel_subscription",
    }


def test_the_same_arguments_write_the_same_file() -> None:
    """Seed, season and world decide every letter of the file."""
    world = load_population("reference")

    def text(seed: int = SEED, season: Season = SEASON) -> str:
        return world_file(world, 5, seed=seed, window_days=14, season=season)

    assert text() == text()
    assert text() != text(seed=8)
    assert text() != text(season=Season.weeks_from(MONDAY + timedelta(days=7)))


def test_a_longer_window_changes_nothing_within_the_shorter() -> None:
    """The simulator at 14 days and the file at 28 have the same cases: who they are, and each hour that both know."""
    world = load_population("reference")
    short = draw_cases(world, 60, seed=SEED, window_days=14, season=SEASON)
    long = draw_cases(world, 60, seed=SEED, window_days=LEAST_DAYS, season=SEASON)
    assert short.failed_at == long.failed_at
    assert np.array_equal(short.ends, long.ends)
    assert np.array_equal(short.words, long.words[:, : short.words.shape[1]])
    assert np.array_equal(short.chance, long.chance[:, : short.chance.shape[1]])


def test_a_season_holds_its_failures() -> None:
    """Failures of a season of four weeks lie in them, and use them."""
    drawn = draw_cases(load_population("reference"), 200, seed=2, season=SEASON)
    assert MONDAY <= min(drawn.failed_at) < MONDAY + timedelta(days=2)
    assert MONDAY + timedelta(days=26) < max(drawn.failed_at) < MONDAY + timedelta(days=28)


def test_what_the_sandbox_cannot_say_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card network that the sandbox has not, or more customers than a world file can hold, end in one sentence."""
    (tmp_path / "cb.yaml").write_text("like: reference\nname: cb\nmix: {brands: {cartes_bancaires: 1}}\n")
    with pytest.raises(ConfigurationError, match=r"cannot play the world cb, .*brand: expected 'visa'"):
        world_file(read_population(tmp_path / "cb.yaml"), 3, seed=1, window_days=14, season=SEASON)
    monkeypatch.setattr(cast, "LARGEST_FILE", 9_000)
    with pytest.raises(ConfigurationError, match=r"9 customers of reference .* ask for fewer with --cases"):
        world_file(load_population("reference"), 9, seed=1, window_days=14, season=SEASON)


def test_the_command_writes_the_file_and_says_how_to_play_it(tmp_path: Path) -> None:
    """`recoup simulate --sandbox` writes what the function makes, by default from a Monday on, and plays nothing."""
    file = tmp_path / "world.yaml"
    arguments = ["simulate", "--cases", "3", "--seed", "7", "--sandbox", str(file)]
    told = CliRunner().invoke(cli, [*arguments, "--starts", "2127-01-06"])
    assert told.exit_code == 0, told.output
    assert f"recoup demo --world {file}" in told.output
    season = Season.weeks_from(datetime(2127, 1, 6, tzinfo=UTC))
    assert file.read_text() == world_file(
        load_population("reference"), 3, seed=7, window_days=14, season=season
    )
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    start = read_world(file.read_text()).starts_at(MONDAY)
    assert (start.weekday(), start.hour) == (0, 0)
    assert start > datetime.now(UTC)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--starts", "2026-01-05"], "the sandbox's clock only goes forward"),
        (["--odd", "2"], "--sandbox writes the customers of one world"),
        (["--log", "attempts.jsonl"], "no --log"),
        (["--world", "nowhere"], "no such world"),
    ],
)
def test_the_command_refuses_what_makes_no_sense(tmp_path: Path, arguments: list[str], told: str) -> None:
    """A day that has passed, several worlds, or two files at once are refused, and nothing is written."""
    file = tmp_path / "world.yaml"
    result = CliRunner().invoke(cli, ["simulate", "--sandbox", str(file), *arguments])
    assert result.exit_code != 0
    assert told in (result.output + str(result.exception))
    assert not file.exists()


def test_the_simulator_plays_the_cases_of_the_file() -> None:
    """With the same day, `recoup simulate --starts` scores the very cases that the file has."""
    told = CliRunner().invoke(
        cli, ["simulate", "--cases", "40", "--seed", "7", "--starts", "2027-01-04", "--no-bounds", "--json"]
    )
    drawn, _ = played("reference")
    alone = float(drawn.amount[drawn.updated].sum()) / float(drawn.amount.sum())
    assert f'"customers_alone": {alone}' in told.output
