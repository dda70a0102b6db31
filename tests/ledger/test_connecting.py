"""Opening a ledger: every mistake in one clear sentence, and no password in any of them."""

from __future__ import annotations

import sys
import time
import traceback
from pathlib import Path

import pytest
import sqlalchemy as sa

from recoup.errors import ConfigurationError, ConnectionFailed, RecoupError
from recoup.ledger import Ledger, _engine
from tests.ledger.builders import NOW, a_case, an_attempt

SECRET = "hunter2-geheim"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (f"mysql://me:{SECRET}@db/recoup", "mysql"),
        (f"nonsense {SECRET}", "cannot be read"),
        (f"postgresql://me:{SECRET}@db:port/recoup", "cannot be read"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        (f"sqlite:////nowhere/{SECRET[:0]}at/all/ledger.db", "/nowhere/at/all"),
        (f"postgresql://me:{SECRET}@127.0.0.1:1/recoup", "127.0.0.1:1/recoup"),
        (f"postgres://127.0.0.1:1/recoup?user=me&password={SECRET}", "does not answer"),
    ],
)
def test_wrong_address_is_one_sentence_without_the_password(address: str, says: str) -> None:
    """An address that makes no sense or that nobody answers at is said in one sentence, without its secrets."""
    with pytest.raises(RecoupError) as caught:
        Ledger.connect(address)
    told = str(caught.value)
    assert says in told
    assert "\n" not in told
    assert told.endswith(".")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A file of another kind is named in the error and keeps its content."""
    path = tmp_path / "notes.txt"
    path.write_text("shopping list " * 100)
    with pytest.raises(RecoupError, match=r"notes\.txt"):
        Ledger.connect(f"sqlite:///{path}")
    assert path.read_text() == "shopping list " * 100


def test_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg the error says what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"recoup\[postgres\]"):
        Ledger.connect("postgresql://127.0.0.1:1/recoup")


def test_ledger_without_tables_says_what_to_run(empty_url: str) -> None:
    """Before the first migration every use is refused with the command to run, and works right after it."""
    ledger = Ledger.connect(empty_url)
    with pytest.raises(ConfigurationError, match="recoup migrate"):
        ledger.cases.list_open()
    with pytest.raises(ConfigurationError, match="recoup migrate"):
        ledger.check()
    ledger.migrate()
    ledger.check()
    assert ledger.cases.list_open() == []
    ledger.close()


@pytest.mark.parametrize(("version", "says"), [("0000", "recoup migrate"), ("9999", "newer Recoup")])
def test_tables_of_another_version_are_refused(empty_url: str, version: str, says: str) -> None:
    """Older tables ask for the migration, newer ones for a newer Recoup; nothing is read or written."""
    first = Ledger.connect(empty_url)
    first.migrate()
    _set_version(first, version)
    first.close()
    ledger = Ledger.connect(empty_url)
    with pytest.raises(ConfigurationError, match=says):
        ledger.cases.open(a_case(), NOW)
    if version == "9999":
        with pytest.raises(ConfigurationError, match=says):
            ledger.migrate()
    ledger.close()


def _set_version(ledger: Ledger, version: str) -> None:
    with ledger._store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE ledger_version SET version_num = :version"), {"version": version})


def test_name_shows_where_but_not_who(ledger: Ledger) -> None:
    """The name of a ledger is fit for a log: kind and place, no user, no password, no parameters."""
    url = sa.make_url(f"postgresql://me:{SECRET}@db.example:5433/recoup?sslmode=require&password={SECRET}")
    assert _engine.shown(url) == "postgresql://db.example:5433/recoup"
    assert "@" not in ledger.name


def test_database_that_goes_away_is_said_so(tmp_path: Path) -> None:
    """When the tables vanish under a running process, the error is a sentence and not a driver's traceback."""
    ledger = Ledger.connect(f"sqlite:///{tmp_path}/ledger.db")
    ledger.migrate()
    ledger.cases.list_open()
    with ledger._store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE cases RENAME TO gone")
    with pytest.raises(ConnectionFailed, match=r"ledger\.db"):
        ledger.cases.list_open()
    ledger.close()


def test_deadlock_is_tried_again(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction that the database gave up for another one's sake runs again, a bounded number of times."""

    class Deadlock(Exception):
        sqlstate = "40P01"

    monkeypatch.setattr(time, "sleep", lambda _: None)
    calls: list[int] = []

    def work(fail: int) -> int:
        calls.append(fail)
        if len(calls) <= fail:
            raise sa.exc.OperationalError("UPDATE", None, Deadlock())
        return len(calls)

    assert ledger._store.write(lambda _: work(4)) == 5
    calls.clear()
    with pytest.raises(ConnectionFailed):
        ledger._store.write(lambda _: work(9))
    assert len(calls) == 5


def test_parameters_stay_out_of_database_errors(ledger: Ledger) -> None:
    """An error of the database does not repeat the values that were written."""
    ledger.cases.open(a_case(), NOW)
    with pytest.raises(sa.exc.IntegrityError) as caught:
        ledger.cases.open(a_case("in_2", workflow_id="recovery/in_1", policy={"note": SECRET}), NOW)
    assert SECRET not in str(caught.value)


def test_two_processes_see_each_other(ledger_url: str) -> None:
    """What one connection commits, another reads at once, and a reader never waits for a writer."""
    one, two = Ledger.connect(ledger_url), Ledger.connect(ledger_url)
    one.cases.open(a_case(), NOW)

    def guard(_: object) -> object:
        assert two.attempts.of_invoice("in_1") == []
        raise InterruptedError

    with pytest.raises(InterruptedError):
        one.attempts.reserve(an_attempt(), NOW, guard)  # type: ignore[arg-type]
    one.attempts.reserve(an_attempt(), NOW)
    assert two.attempts.of_invoice("in_1") == one.attempts.of_invoice("in_1") != []
    one.close()
    two.close()
