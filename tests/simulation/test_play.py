"""The simulator: the real rules, honest scores, the same result for the same seed."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from recoup.errors import ConfigurationError
from recoup.rules.declines import read
from recoup.rules.networks import rules_for
from recoup.rules.policy import Campaign, MessageStep, Retries
from recoup.simulation.cases import Cases, draw_cases
from recoup.simulation.choosers import AtRandom, Clairvoyant, Planned, WorldStories
from recoup.simulation.course import EPOCH, Course
from recoup.simulation.drawn import family_world, odd_world
from recoup.simulation.figures import figures
from recoup.simulation.learning import attempts_log
from recoup.simulation.play import Score, play_chosen, play_fixed
from recoup.simulation.population import Population, load_population, read_population, shipped_names
from recoup.simulation.rivals import SETTINGS, Setting, campaign_for, schedules
from recoup.simulation.simulate import lines_of, simulate
from recoup.timing._stories import shipped_stories
from recoup.timing.draws import uniforms
from recoup.timing.model import stories_for
from recoup.timing.situation import Situation
from recoup.timing.training import read_attempts, train

EIGHT = Setting(8, 14)


def even(cases: Cases, setting: Setting = EIGHT) -> Score:
    return play_fixed(cases, "even", campaign_for(setting, schedules(setting)["even"]))


def without_spread(world: Population) -> Population:
    """The same world with invoices of nearly one size, so that fewer cases tell as much."""
    return world.model_copy(update={"mix": world.mix.model_copy(update={"amount_spread": 0.05})})


@pytest.fixture(scope="module")
def cases() -> Cases:
    return draw_cases(without_spread(load_population("reference")), 200, seed=3, window_days=14)


def test_every_shipped_world_can_be_read() -> None:
    """Five worlds ship; each reads, and says what it is for."""
    assert len(shipped_names()) >= 5
    assert all(load_population(name).about for name in shipped_names())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("like: nowhere", "no world 'nowhere' ships"),
        ("like: reference\ngates:\n  - {houres: [1, 2]}", "gates.0.houres"),
        ("like: reference\ntruth: {causes: {dead: {share: 0.5}}}", "add up to"),
        ("- a list", "a world is a mapping"),
        ("a: [", "not YAML"),
    ],
)
def test_a_world_that_cannot_be_used_is_refused_with_a_sentence(tmp_path: Path, text: str, told: str) -> None:
    """A wrong reference, key, share or form: one sentence names the file and the place."""
    file = tmp_path / "world.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=told.replace("(", r"\(")) as refused:
        read_population(file)
    assert str(file) in str(refused.value)


def test_nobody_has_a_chance_at_the_moment_of_the_failure(cases: Cases) -> None:
    """A case failed, so in its hour of failure there was no money, the hold stood and the outage lasted."""
    at = [cases.chance[case, cases.hour(case, 0)] for case in range(len(cases))]
    assert np.mean(np.array(at) > 0) < 0.02


def test_the_same_seed_gives_the_same_text_and_another_seed_another() -> None:
    """Nothing but the seed changes what `recoup simulate --json` prints."""
    world = load_population("europe")
    texts = [
        json.dumps(simulate(world, Setting(3, 10), 40, seed=seed, bounds=False).as_json())
        for seed in (5, 5, 6)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_a_case_does_not_change_when_there_are_more(cases: Cases) -> None:
    """What a case meets hangs on its number alone, so samples of two sizes agree where they overlap."""
    fewer = draw_cases(cases.world, 50, seed=3, window_days=14)
    assert np.array_equal(fewer.chance, cases.chance[:50])
    assert np.array_equal(fewer.words, cases.words[:50])


def test_scores_are_what_counting_heads_would_give(cases: Cases) -> None:
    """Drawing every outcome and counting gives the expectation that the score states, within its own error."""
    score = even(cases)
    heads = 0.0
    rounds = 20
    course = {
        brand: Course(campaign_for(EIGHT, schedules(EIGHT)["even"]), brand) for brand in set(cases.brand)
    }
    for case in range(len(cases)):
        for toss in range(rounds):
            turn, draw = course[cases.brand[case]].begin(cases.decline(case, 0)), 0
            while turn.due is not None and turn.due < cases.ends[case]:
                if uniforms(case, toss, draw)[0] < cases.chance[case, cases.hour(case, turn.due)]:
                    heads += 1 / rounds
                    break
                turn, draw = course[cases.brand[case]].declined(turn, cases.decline(case, turn.due)), draw + 1
    assert heads == pytest.approx(score.recovered.sum(), rel=0.04)


def test_the_rules_have_the_last_word() -> None:
    """A schedule of every hour is held to the campaign's gap, the bank's wishes, and to no attempt after a final refusal."""
    campaign = Campaign(
        messages=(MessageStep(template="payment_failed", after_days=0),),
        retries=Retries(after_days=tuple((n + 1) / 24 for n in range(12)), min_gap_days=0.5),
    )
    drawn = draw_cases(load_population("reference"), 120, seed=9, window_days=14)
    course = Course(campaign, "visa")
    seen = 0
    for case in range(len(drawn)):
        decline = drawn.decline(case, 0).model_copy(update={"brand": "visa"})
        turn = course.begin(decline)
        assert (turn.due is None) == (not read(decline).may_retry)
        while turn.due is not None:
            last = turn.tried[-1]
            due = EPOCH + timedelta(seconds=turn.due)
            assert turn.case.decline is not None
            assert due - last >= max(
                read(turn.case.decline).wait, timedelta(hours=12) * bool(turn.case.retries_made)
            )
            seen += 1
            turn = course.declined(turn, turn.case.decline)
    assert seen > 90


class _Eager:
    """Wants an attempt in the very next minute, always."""

    def next_attempt(self, cases: Cases, case: int, situation: Situation, left: int) -> float | None:
        return (situation.now - situation.first_failed_at).total_seconds() + 60


def test_no_chooser_gets_past_the_guard() -> None:
    """A policy that would try every minute keeps every limit of every network, and stays in the window."""
    drawn = draw_cases(load_population("reference"), 60, seed=2, window_days=14)
    campaign = campaign_for(Setting(20, 14))
    for case in range(len(drawn)):
        brand = drawn.brand[case]
        course = Course(campaign, brand)
        turn = course.aimed(course.opened(drawn.decline(case, 0)), 60.0)
        while turn.due is not None:
            decline = drawn.decline(case, turn.due)
            turn = course.folded(turn, decline)
            turn = course.aimed(turn, (turn.tried[-1] - EPOCH).total_seconds() + 60)
        assert turn.tried[-1] <= EPOCH + timedelta(days=14)
        for last in turn.tried:
            for rule in rules_for(brand, last.date()):
                assert sum(last - rule.window < at <= last for at in turn.tried) <= rule.limit
            assert sum(last - timedelta(days=30) < at <= last for at in turn.tried) <= 15


def test_turns_that_are_shared_are_the_turns_of_one_case_alone(cases: Cases) -> None:
    """A course that has played hundreds of cases says the same of a case as one that has played none."""
    campaign = campaign_for(EIGHT, schedules(EIGHT)["days 1, 3, 5, 7"])
    shared = Course(campaign, "visa")
    for case in range(60):
        fresh = Course(campaign, "visa")
        turns = [course.begin(cases.decline(case, 0)) for course in (shared, fresh)]
        while turns[0].due is not None:
            assert turns[0].due == turns[1].due
            decline = cases.decline(case, turns[0].due)
            turns = [
                course.declined(turn, decline) for course, turn in zip((shared, fresh), turns, strict=True)
            ]
        assert turns[1].due is None


def test_the_planner_beats_every_fixed_schedule_in_the_reference_world(cases: Cases) -> None:
    """With four attempts in two weeks the planner's retries add more than those of any schedule, with fewer attempts."""
    four = Setting(4, 14)
    planned = play_chosen(cases, "planner", campaign_for(four), Planned(shipped_stories(), four))
    for name, after_days in schedules(four).items():
        fixed = play_fixed(cases, name, campaign_for(four, after_days))
        assert planned.added.sum() > fixed.added.sum(), name
    evenly = even(cases, four)
    assert planned.attempts.sum() / planned.recovered.sum() < evenly.attempts.sum() / evenly.recovered.sum()


def test_the_clairvoyant_beats_the_oracle_and_the_oracle_an_even_schedule(cases: Cases) -> None:
    """Who knows more gets more: every hour's chance, then every figure of the world, then nothing."""
    four = Setting(4, 14)
    oracle = play_chosen(cases, "oracle", campaign_for(four), Planned(WorldStories(cases.world, 600), four))
    clairvoyant = play_chosen(cases, "clairvoyant", campaign_for(four), Clairvoyant(four))
    assert clairvoyant.added.sum() > oracle.added.sum() > even(cases, four).added.sum()


def test_where_time_does_not_matter_nobody_wins() -> None:
    """In the flat world an even schedule, chance and the planner come to the same with the same number of attempts."""
    drawn = draw_cases(without_spread(load_population("flat")), 150, seed=4, window_days=28)
    setting = Setting(3, 28)
    evenly = even(drawn, setting)
    for chooser in (AtRandom(setting), Planned(shipped_stories(), setting)):
        other = play_chosen(drawn, "other", campaign_for(setting), chooser)
        per_attempt = [float(score.recovered.sum() / score.attempts.sum()) for score in (evenly, other)]
        assert per_attempt[1] == pytest.approx(per_attempt[0], rel=0.03)


def test_drawn_worlds_differ_and_can_be_drawn_again() -> None:
    """A number always gives the same world; of the odd ones all but the kind without a pattern have gates, the family has none."""
    assert family_world(3) == family_world(3)
    assert family_world(3).truth != family_world(4).truth
    assert not family_world(3).gates
    assert [number for number in range(14) if not odd_world(number).gates] == [6, 13]
    assert odd_world(2) == odd_world(2)


def test_an_interval_holds_the_ratio_and_narrows_with_more_cases(cases: Cases) -> None:
    """The paired interval of a policy against the oracle lies around its ratio; the oracle's own is exactly 1."""
    scores = {
        "even": even(cases),
        "oracle": play_fixed(cases, "oracle", campaign_for(EIGHT, schedules(EIGHT)["daily"])),
    }
    by_name = {figure.policy: figure for figure in figures(scores, float(cases.amount.sum()))}
    said = by_name["even"]
    assert said.low is not None
    assert said.high is not None
    assert said.ratio is not None
    assert said.low < said.ratio < said.high
    assert said.high - said.low < 0.35
    assert (by_name["oracle"].low, by_name["oracle"].ratio, by_name["oracle"].high) == (1.0, 1.0, 1.0)


def test_all_settings_can_be_told_as_a_table() -> None:
    """Every setting plays, bounds and all, and the table names each policy once."""
    for setting in SETTINGS:
        result = simulate(load_population("night"), setting, 4, seed=1)
        text = "\n".join(lines_of(result))
        for name in (*schedules(setting), "random", "planner", "oracle", "clairvoyant"):
            assert text.count(f"  {name} ") == 1


def test_a_model_is_learned_from_a_worlds_log_and_judged_beside_the_others() -> None:
    """The log of a world can be learned from as it is; what was learned plays as one more policy."""
    world, setting = load_population("night"), Setting(8, 14)
    attempts, problems = read_attempts(attempts_log(world, setting, 120, seed=5))
    assert not problems
    assert {line.outcome for line in attempts} == {"approved", "declined"}
    assert all(line.at >= line.first_failed_at for line in attempts)
    assert sum(line.number == 1 for line in attempts) == 120
    model = train(attempts)
    result = simulate(world, setting, 5, seed=6, bounds=False, learned={"learned": stories_for(model)})
    by_name = {figure.policy: figure for figure in result.figures}
    assert not model.card.promoted
    assert by_name["learned"].added == by_name["planner"].added
