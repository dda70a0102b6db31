"""``recoup report --digest``: the week as a mail to the operators, once."""

from __future__ import annotations

import email
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from recoup.clock import SystemClock
from recoup.digest.week import last_whole_week
from recoup.ledger import Ledger
from recoup.rules.case import Outcome, Stage
from tests.cli.conftest import Recoup
from tests.ledger.builders import a_case

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
"""A Wednesday: the last whole week is that of the 16th."""
WEEK = datetime(2026, 11, 16, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """In the week two failed, one of an older month came in and one was lost; in the one before one failed; two are open."""
    (tmp_path / "clock").write_text(str((NOW - SystemClock().now()).total_seconds()))
    for name, value in {
        "RECOUP_DATABASE_URL": f"sqlite:///{tmp_path}/ledger.db",
        "RECOUP_CLOCK_FILE": str(tmp_path / "clock"),
        "RECOUP_FIGURES__DIGEST_TO": json.dumps(["kim@acme.example", "ada@acme.example"]),
    }.items():
        monkeypatch.setenv(name, value)
    made = Ledger.connect(f"sqlite:///{tmp_path}/ledger.db")
    made.migrate()
    for name, failed in (("in_1", 0.0), ("in_2", 6.99), ("in_3", -0.1), ("in_4", -30), ("in_5", 7.1)):
        made.cases.open(a_case(name, failed_at=WEEK + timedelta(days=failed), currency="pln"), WEEK)
    made.cases.close("in_4", Outcome.RECOVERED_BY_RETRY, "paid", WEEK + timedelta(days=2))
    made.cases.close("in_3", Outcome.LOST_SUSPENDED, "unpaid", WEEK + timedelta(days=3))
    made.cases.close("in_1", Outcome.CLOSED_UNCOLLECTIBLE, "written off", WEEK + timedelta(days=8))
    made.cases.note("in_2", Stage.PERSON, WEEK, next_kind="person", next_because="look")
    yield made
    made.close()


def letters(tmp_path: Path) -> list[EmailMessage]:
    """What lies in the outbox."""
    files = sorted((tmp_path / "outbox").glob("**/*.eml"))
    return [
        email.message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=default) for file in files
    ]


def parts(letter: EmailMessage) -> tuple[str, str]:
    """Text and HTML, in one line each, with plain spaces."""
    found = [letter.get_body((kind,)) for kind in ("plain", "html")]
    plain, html = (" ".join(part.get_content().split()) for part in found if part is not None)
    return plain, html


def test_each_operator_gets_the_week_once(recoup: Recoup, ledger: Ledger, tmp_path: Path) -> None:
    """What failed, came in and was lost in it and before it, what is open; the same again only where that is said."""
    first = recoup("report", "--digest")
    assert (first.code, first.err.count("sent: the digest of 2026-11-16 to 2026-11-23")) == (0, 2)
    found = letters(tmp_path)
    assert sorted(letter["To"] for letter in found) == ["ada@acme.example", "kim@acme.example"]
    plain, html = parts(found[0])
    for said in (
        "Failed: 2 (PLN 98.00); the week before: 1 (PLN 49.00)", "Recovered: 1 (PLN 49.00); the week before: 0 (–)",
        "Lost: 1 (PLN 49.00); the week before: 0 (–)", "Still open: 2 (PLN 98.00)", "Needs a person: 1", "not enough data",
    ):  # fmt: skip
        assert said in plain, said
    assert "<strong>2</strong> (PLN 98.00)" in html
    assert found[0]["Subject"].startswith("Recovery of failed payments: the week, November 16, 2026")
    assert recoup("report", "--digest").err == ""
    assert len(letters(tmp_path)) == 2
    recoup("report", "--digest", "--again")
    assert len(letters(tmp_path)) == 4
    kept = [event.data for event in ledger.events.since(0) if event.kind == "digest_sent"]
    assert kept == [{"week": "2026-W47"}] * 4
    assert "acme.example" not in str(kept)


def test_the_digest_in_polish(
    recoup: Recoup, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Language, amounts and days as its readers write them."""
    monkeypatch.setenv("RECOUP_FIGURES__DIGEST_LANGUAGE", "pl")
    assert recoup("report", "--digest").code == 0
    letter = letters(tmp_path)[0]
    assert "16 listopada 2026 – 22 listopada 2026" in letter["Subject"]
    assert "98,00 zł" in parts(letter)[0]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [("DIGEST_TO", "[]", "figures.digest_to names nobody"), ("DIGEST_LANGUAGE", "xx", "figures.digest_language is xx: there are")],
)  # fmt: skip
def test_what_cannot_be_sent_says_so(
    recoup: Recoup, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    """Nobody to send it to, or a language that is not there: one sentence."""
    monkeypatch.setenv(f"RECOUP_FIGURES__{name}", value)
    said = recoup("report", "--digest")
    assert said.code == 2
    assert sentence in said.sentence


@pytest.mark.parametrize(("day", "monday"), [(22, 9), (23, 16), (29, 16), (30, 23)])
def test_a_week_is_whole(day: int, monday: int) -> None:
    """On a Monday the week that ended at its midnight is the last; on a Sunday it is the one before the running one."""
    since, until = last_whole_week(datetime(2026, 11, day, 23, 59, tzinfo=UTC))
    assert since == datetime(2026, 11, monday, tzinfo=UTC)
    assert until - since == timedelta(days=7)
