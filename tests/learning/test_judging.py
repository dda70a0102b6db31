"""Judging from the log: right where chance had a hand, silent where it had none, and only about what could have been drawn."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from recoup.cli import cli
from recoup.learning.judging import Entry, entries_of, judge, lines_of
from recoup.ledger import Ledger
from tests.learning.conftest import NewLedger
from tests.learning.pasts import BEGINS, write_drawn

FIRST, SECOND = BEGINS, BEGINS + timedelta(hours=3)


def entries(ledger: Ledger) -> list[Entry]:
    return [entry for past in ledger.past.newest_first() for entry in entries_of(past)]


@pytest.fixture(scope="module")
def drawn(new_ledger: NewLedger) -> Ledger:
    ledger = new_ledger("drawn")
    write_drawn(ledger, 2000)
    return ledger


def test_what_was_drawn_tells_what_each_way_would_have_brought(drawn: Ledger) -> None:
    """The prior's moments are approved in a fifth of the cases, the model's in half: both are found from one log, within their intervals."""
    log = entries(drawn)
    assert len(log) == 2000
    for way, truth in (("prior", 0.2), ("model", 0.5)):
        judged = judge(log, way)
        assert (judged.plans, judged.possible) == (2000, 2000)
        for estimate in judged.estimates:
            assert estimate.low is not None
            assert estimate.high is not None
            assert estimate.low < truth < estimate.high
            assert estimate.high - estimate.low < 0.15


def test_where_nothing_was_left_to_chance_nothing_can_be_told(new_ledger: NewLedger) -> None:
    """Without exploration the model's moment could not be drawn, and the prior was only ever agreed with: neither gets a figure."""
    ledger = new_ledger("undrawn")
    write_drawn(ledger, 600, explored=0.0)
    log = entries(ledger)
    model, prior = judge(log, "model"), judge(log, "prior")
    assert (model.plans, model.possible, model.agreed) == (600, 0, 0)
    assert (prior.possible, prior.agreed) == (600, 600)
    for estimate in (*model.estimates, *prior.estimates):
        assert not estimate.can_tell
        assert estimate.because.startswith("can't tell yet")
    assert "in 600 its moment could not have been drawn" in "\n".join(lines_of(model))


def test_too_little_cannot_be_told(new_ledger: NewLedger) -> None:
    """A hundred drawn attempts support no estimate, and an empty log none either."""
    ledger = new_ledger("little")
    write_drawn(ledger, 100)
    for judged in (judge(entries(ledger), "model"), judge([], "model")):
        assert all(one.value is None and "can't tell yet" in one.because for one in judged.estimates)


def test_only_what_could_have_been_drawn_says_anything() -> None:
    """A plan whose other moment was no candidate, or of which the way was not asked, is counted and left out."""
    common = {
        "case": "in_1",
        "made_at": FIRST,
        "sent_at": FIRST,
        "approved": True,
        "propensity": 0.7,
        "model": None,
    }
    log = [
        Entry(**common, candidates={FIRST: 0.3, SECOND: 0.3}, would={"model": SECOND}),  # type: ignore[arg-type]
        Entry(**common, candidates={FIRST: 0.3}, would={"model": SECOND}),  # type: ignore[arg-type]
        Entry(**common, candidates={FIRST: 0.3}, would={"model": None}),  # type: ignore[arg-type]
        Entry(**common, candidates={FIRST: 0.3}, would={"prior": FIRST}),  # type: ignore[arg-type]
    ]
    judged = judge(log, "model")
    assert (judged.plans, judged.possible, judged.agreed) == (3, 1, 0)


def test_the_command_judges_both_ways(drawn: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`recoup timing judge` tells of the prior and the model, with estimates and what was seen beside them; `--json` the same."""
    monkeypatch.setenv("RECOUP_DATABASE_URL", str(drawn._store.url))
    monkeypatch.setenv("RECOUP_TIMING__MODELS", str(tmp_path))
    told = CliRunner().invoke(cli, ["timing", "judge"])
    assert told.exit_code == 0, told.output
    assert "approved (" in told.stdout
    assert "as made" in told.stdout
    found = json.loads(CliRunner().invoke(cli, ["timing", "judge", "--json"]).stdout)
    assert [each["way"] for each in found] == ["prior", "model"]
    assert found[1]["estimates"][1]["method"] == "dr"
    assert found[1]["estimates"][1]["value"] == pytest.approx(0.5, abs=0.08)
