"""Learning: what is there is learned, what is not leaves the prior, and nobody grades himself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from recoup.cli import cli
from recoup.errors import ConfigurationError
from recoup.simulation.learning import attempts_log
from recoup.simulation.population import load_population
from recoup.simulation.rivals import Setting
from recoup.timing._stories import shipped_stories
from recoup.timing.belief import believe
from recoup.timing.draws import uniforms
from recoup.timing.features import SIZES, TERMS, Names, cells, cells_in, columns, local_hour
from recoup.timing.lines import AttemptLine, decided
from recoup.timing.model import STALE_AFTER, LearnedStories, Model, load, save, stories_for
from recoup.timing.planner import plan
from recoup.timing.situation import slot_of
from recoup.timing.training import LEAST_ATTEMPTS, calibration_error, examples_of, read_attempts, train
from tests.timing.cases import T0, failed, window

START = datetime(2026, 1, 5, tzinfo=UTC)
GOOD_HOURS = range(3, 9)


def log(count: int, *, seed: int = 1, rule: str = "night", permuted: bool = False) -> list[AttemptLine]:
    """Attempts of a bank that approves at night alone, or of five of which each has its own days of the month: a failure, then a retry at any hour."""
    lines: list[dict[str, Any]] = []
    draws = uniforms(seed, np.arange(count)[:, None], np.arange(4)[None, :])
    outcomes = []
    for number in range(count):
        begins = START + timedelta(hours=float(draws[number, 0]) * 300 * 24)
        at = begins + timedelta(hours=24 + 96 * float(draws[number, 1]))
        good = {"night": at.hour in GOOD_HOURS, "bank": (at.day - 1) // 4 % 5 == number % 5}.get(rule, True)
        outcomes.append(bool(draws[number, 2] < (0.45 if good else 0.05)))
        context = {"case": f"c{number}", "first_failed_at": begins.isoformat(), "amount": 4900, "currency": "gbp",
                   "country": "GB", "timezone": "UTC", "brand": "visa", "issuer": f"bank-{number % 5}"}  # fmt: skip
        said = {"code": "do_not_honor", "network_code": "05"}
        lines.append(
            context | {"at": begins.isoformat(), "number": 1, "decline": said, "outcome": "declined"}
        )
        lines.append(context | {"at": at.isoformat(), "number": 2, "decline": said, "outcome": ""})
    order = np.argsort(draws[:, 3]) if permuted else np.arange(count)
    for number in range(count):
        lines[2 * number + 1]["outcome"] = "approved" if outcomes[int(order[number])] else "declined"
    return [
        AttemptLine.model_validate(line)
        for line in sorted(lines, key=lambda line: (line["at"], line["number"]))
    ]


@pytest.fixture(scope="module")
def night() -> Model:
    return train(log(1500))


def test_what_the_prior_does_not_know_is_learned(night: Model) -> None:
    """From attempts at a bank that approves at night alone the model learns the night, and the plan goes there."""
    assert night.card.promoted, night.card.because
    assert night.card.log_loss is not None
    assert night.card.log_loss_of_prior is not None
    assert night.card.log_loss < night.card.log_loss_of_prior - 0.01
    case = failed("do_not_honor", country="GB", timezone="UTC", issuer="bank-3")
    said = plan(stories_for(night), case, window(10, 4))
    assert said.at is not None
    assert all(moment.hour in GOOD_HOURS for moment in (said.at, *said.later))


def test_every_bank_may_have_its_own_days_of_the_month() -> None:
    """Of banks that approve on some days of the month, each on others, the model learns which; no table without the bank tells them apart."""
    model = train(log(3000, rule="bank"))
    assert model.card.promoted, model.card.because
    noon = np.array([local_hour(datetime(2026, 11, day, 12, tzinfo=UTC)) for day in (10, 14)])
    second, third = (
        model.moved(np.full(2, 0.13), failed("do_not_honor", country="GB", timezone="UTC", issuer=bank), noon)
        for bank in ("bank-2", "bank-3")
    )
    assert second[0] > 3 * second[1]
    assert third[1] > 3 * third[0]


def test_its_chances_are_those_that_are_seen(night: Model) -> None:
    """On attempts it never saw, what was said and what was seen lie close together: at night, by day, and on the whole."""
    assert night.card.calibration_error is not None
    assert night.card.calibration_error < 0.08
    stories = LearnedStories(night)
    fresh = examples_of(log(300, seed=2), stories)
    assert np.mean([example.base for example in fresh]) == pytest.approx(
        np.mean([example.approved for example in fresh]), abs=0.04
    )


def test_permuted_outcomes_teach_nothing() -> None:
    """Where outcomes are dealt out anew there is nothing to learn: the model is refused, and decides as the prior does."""
    model = train(log(1500, permuted=True))
    assert not model.card.promoted
    assert "the prior decides" in model.card.because
    case = failed("do_not_honor", country="GB")
    assert plan(stories_for(model), case, window()) == plan(shipped_stories(), case, window())


def test_where_the_prior_decides_its_words_are_set_right_and_its_choices_stay() -> None:
    """Of banks that approve half as often as the prior thinks, but when it thinks so: the same moments, with chances that are seen."""
    attempts, _ = read_attempts(attempts_log(load_population("reference"), Setting(8, 14), 800, seed=5))
    halved = [
        line.model_copy(update={"outcome": "declined"})
        if line.outcome == "approved" and uniforms(7, number)[0] < 0.6
        else line
        for number, line in enumerate(attempts)
    ]
    model = train(halved)
    assert not model.card.promoted
    assert model.card.calibrated
    situation = failed("insufficient_funds", country="US")
    said, prior = (plan(stories, situation, window(8)) for stories in (stories_for(model), shipped_stories()))
    assert (said.at, said.later, said.worth) == (prior.at, prior.later, prior.worth)
    assert 0.2 * prior.expected < said.expected < 0.7 * prior.expected
    assert f"{said.expected:.0%} expected" in said.because
    late = replace(situation, now=situation.now + STALE_AFTER + timedelta(days=400))
    assert stories_for(model).told(late, 0.3) == 0.3


@pytest.mark.parametrize("count", [0, 1, LEAST_ATTEMPTS - 1], ids=["none", "one", "nearly enough"])
def test_too_few_attempts_are_refused(count: int) -> None:
    """Below the least number nothing is learned, and the card says how many there were."""
    model = train(log(count))
    assert not model.card.promoted
    assert f"{count} retries" in model.card.because


def test_the_same_attempts_make_the_same_file(tmp_path: Path) -> None:
    """Training has no chance in it: two runs write the same bytes, and a file that is read back plans the same."""
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    attempts = log(500)
    save(train(attempts), first)
    save(train(attempts), second)
    assert first.read_bytes() == second.read_bytes()
    case = failed("do_not_honor", country="GB", timezone="UTC")
    assert (
        plan(stories_for(load(first)), case, window()).at
        == plan(stories_for(train(attempts)), case, window()).at
    )


def test_another_log_has_another_hash() -> None:
    """The card names the data by its hash: one changed amount changes it."""
    attempts = log(3)
    changed = [attempts[0].model_copy(update={"amount": 1}), *attempts[1:]]
    assert train(attempts).card.data != train(changed).card.data


def test_an_old_model_decides_nothing(night: Model) -> None:
    """Months after its newest attempt a model is stale, and the prior plans again."""
    assert night.card.ends is not None
    late = night.card.ends + STALE_AFTER + timedelta(days=1)
    case = failed("do_not_honor", late, country="GB", timezone="UTC")
    assert not night.is_fresh(late)
    assert plan(LearnedStories(night), case, window(start=late)) == plan(
        shipped_stories(), case, window(start=late)
    )


def test_nothing_is_known_of_an_attempt_before_it_is_made() -> None:
    """The features of an attempt are the same whatever came of it and whatever followed: nothing leaks."""
    attempts = log(40)
    turned = [
        line.model_copy(update={"outcome": "approved" if line.outcome == "declined" else "declined"})
        if line.number == 2
        else line
        for line in attempts
    ]
    stories = shipped_stories()
    one, two = examples_of(attempts, stories), examples_of(turned, stories)
    assert [replace(example, approved=True) for example in one] == [
        replace(example, approved=True) for example in two
    ]
    assert [example.approved for example in one] == [not example.approved for example in two]


def test_a_customers_own_end_is_no_answer_of_a_bank() -> None:
    """`updated` and `cancelled` end a case without an attempt: they are neither approvals nor refusals to learn from."""
    attempts = log(10)
    ended = [line.model_copy(update={"outcome": "updated" if n % 2 else "cancelled"}) if line.number == 2 else line
             for n, line in enumerate(attempts)]  # fmt: skip
    assert examples_of(ended, shipped_stories()) == []


def test_every_cell_is_inside_its_table() -> None:
    """No feature ever leaves its range, whatever the case; and every term has its place in the table of sizes."""
    situation = failed(amount=10**9, country="??", issuer="x" * 300)
    hours = np.arange(local_hour(T0), local_hour(T0) + 24 * 70)
    found = columns(situation, Names({"code": {"insufficient_funds": 3}}), hours)
    assert set(found) == set(SIZES)
    for term in TERMS:
        cell = np.atleast_1d(cells(term, found))
        assert cell.min() >= 0
        assert cell.max() < cells_in(term)


def test_calibration_error_is_the_mean_distance() -> None:
    """Chances that are all a tenth too high are off by a tenth; chances that are right by nothing."""
    outcome = np.array([1.0] * 30 + [0.0] * 70)
    assert calibration_error(np.full(100, 0.4), outcome, groups=1) == pytest.approx(0.1)
    assert calibration_error(np.full(100, 0.3), outcome, groups=1) == pytest.approx(0.0)


def test_the_learned_mean_is_the_models(night: Model) -> None:
    """However the stories are weighted, each slot's mean chance is the one that the model says."""
    case = failed("do_not_honor", country="GB", timezone="UTC", issuer="bank-1")
    begin = slot_of(T0, case.zone)
    before = believe(shipped_stories(), case, begin + 40)
    after = believe(LearnedStories(night), case, begin + 40)
    slots = np.arange(begin, begin + 40)
    wanted = night.moved((before.approves @ before.weights).astype(np.float64), case, slots * 3)
    assert (after.approves @ after.weights)[9:] == pytest.approx(
        np.clip(wanted, 0.003, 0.97 * after.weights.sum())[9:], rel=0.12, abs=0.015
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"card": 3}', '{"tables": {"hour": {"99999": 1}}}'])
def test_a_file_that_is_no_model_is_refused_with_a_sentence(tmp_path: Path, text: str) -> None:
    """Whatever stands in the file: one sentence with its name, no traceback."""
    file = tmp_path / "model.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match="not a model of this version") as refused:
        load(file)
    assert str(file) in str(refused.value)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(tmp_path / "none.json")


def test_lines_that_cannot_be_learned_from_are_named() -> None:
    """A broken line among good ones is told with its number, and the others are read."""
    good = [line.model_dump_json() for line in log(2)]
    found, problems = read_attempts([good[0], "{", *good[1:], json.dumps({"case": "x"}), ""])
    assert len(found) == 4
    assert [problem.split(":")[0] for problem in problems] == ["line 2", "line 6"]


def test_a_promoted_model_answers_lines(night: Model) -> None:
    """`decide` with a model answers like `decide` without, at the hours that were learned."""
    line = {"case": "a", "first_failed_at": T0.isoformat(), "now": T0.isoformat(), "country": "GB", "timezone": "UTC",
            "amount": 4900, "currency": "gbp", "brand": "visa",
            "attempts": [{"number": 1, "at": T0.isoformat(), "decline": {"code": "do_not_honor"}}]}  # fmt: skip
    (said,) = decided([json.dumps(line)], stories_for(night), window_days=10, attempts=3)
    assert datetime.fromisoformat(json.loads(said)["at"]).hour in GOOD_HOURS


def test_the_command_writes_a_model_and_prints_its_card(tmp_path: Path) -> None:
    """`recoup timing train` names the line it cannot use and ends with 1; the model it writes is one that `decide` takes."""
    attempts, model = tmp_path / "attempts.jsonl", tmp_path / "model.json"
    attempts.write_text("\n".join([*(line.model_dump_json() for line in log(3)), "nonsense"]))
    trained = CliRunner().invoke(
        cli, ["timing", "train", "--attempts", str(attempts), "--out", str(model)], standalone_mode=False
    )
    assert trained.return_value == 1
    assert "line 7" in trained.stderr
    assert json.loads(trained.stdout)["promoted"] is False
    answered = CliRunner().invoke(cli, ["timing", "decide", "--model", str(model)], input="{}\n")
    assert json.loads(answered.stdout)["line"] == 1
