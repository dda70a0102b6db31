"""Schema: one for both databases, the same by migration and by definition, and described column by column."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import StatementError

from recoup.ledger import (
    ExclusionRow,
    FigureBlock,
    FigureFold,
    Ledger,
    _migrating,
    cards_rows,
    channels_rows,
    console_rows,
    history_rows,
    inputs,
    rows,
)
from recoup.ledger._migrating import HEAD, VERSION_TABLE
from recoup.ledger.assignments import AssignmentRow
from recoup.ledger.schema import metadata
from recoup.rules.base import Frozen
from recoup.rules.case import SETTLED_STATES, Access
from tests.ledger.builders import NOW, a_case, a_message, at_once

DOCUMENT = Path(__file__).parents[2] / "docs" / "ledger.md"


def test_migrations_make_exactly_the_schema(ledger: Ledger) -> None:
    """What the migrations make and what the code describes do not differ, on either database."""
    with ledger._store.engine.connect() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True, "include_object": _is_comparable}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def _is_comparable(thing: Any, name: str | None, kind: str, *_: object) -> bool:
    """All but indexes with a descending column, of which Alembic knows too little: the next test compares them word for word."""
    descending = {
        index.name
        for table in metadata.tables.values()
        for index in table.indexes
        if not all(isinstance(each, sa.Column) for each in index.expressions)
    }
    return kind != "index" or name not in descending


def test_partial_indexes_are_really_partial(ledger: Ledger, empty_url: str) -> None:
    """The unique indexes that allow one open row and many closed ones are made by the migrations as they are described."""
    described = Ledger.connect(empty_url)
    metadata.create_all(described._store.engine)
    if ledger._store.engine.dialect.name == described._store.engine.dialect.name:
        assert _index_statements(ledger) == _index_statements(described)
        assert sum("WHERE" in statement for statement in _index_statements(ledger)) == 4
    described.close()


def _index_statements(ledger: Ledger) -> set[str]:
    sqlite = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    postgresql = (
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'ledger_version'"
    )
    with ledger._store.engine.connect() as connection:
        is_sqlite = ledger._store.engine.dialect.name == "sqlite"
        found = connection.execute(sa.text(sqlite if is_sqlite else postgresql))
        return set(found.scalars())


def test_newest_migration_is_the_one_the_code_asks_for() -> None:
    """The version that the code demands is the newest one in the folder, and there is one line of them."""
    config = Config()
    config.set_main_option("script_location", "recoup.ledger:migrations")
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [HEAD]
    versions = [revision.revision for revision in script.walk_revisions()]
    assert sorted(versions, reverse=True) == versions


def test_migrating_again_changes_nothing(ledger: Ledger) -> None:
    """A second migration leaves tables and rows as they are."""
    ledger.cases.open(a_case(), NOW)
    ledger.migrate()
    assert [case.id for case in ledger.cases.list_open()] == ["in_1"]


def test_processes_that_migrate_at_once_do_it_once(empty_url: str) -> None:
    """Worker and starter may both migrate a new database at the same moment."""
    ledgers = [Ledger.connect(empty_url) for _ in range(4)]
    at_once(4, lambda n: ledgers[n].migrate())
    for ledger in ledgers:
        assert ledger.cases.list_open() == []
        ledger.close()


def test_message_of_no_case_is_refused(ledger: Ledger) -> None:
    """The database refuses a row that refers to a case which is not there."""
    with pytest.raises(sa.exc.IntegrityError):
        ledger.messages.reserve(a_message(case_id="in_404"), NOW)


def test_a_migration_that_is_interrupted_says_so_and_changes_nothing(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The word to stop, which closes the connection it meets, is not hidden by another error; the next time all is migrated."""

    def interrupted(conn: sa.Connection, _: str) -> None:
        conn.exec_driver_sql("CREATE TABLE half (done INTEGER)")
        conn.invalidate()
        raise KeyboardInterrupt

    ledger = Ledger.connect(empty_url)
    with monkeypatch.context() as patched:
        patched.setattr(_migrating, "_upgrade", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ledger.migrate()
    ledger.migrate()
    with ledger._store.engine.connect() as conn:
        assert _migrating.current_version(conn) == HEAD
        assert not sa.inspect(conn).has_table("half")
    ledger.close()


def test_references_hold_right_after_migrating(empty_url: str) -> None:
    """The connection that migrated refuses such a row like any other."""
    ledger = Ledger.connect(empty_url)
    ledger.migrate()
    with pytest.raises(sa.exc.IntegrityError):
        ledger.messages.reserve(a_message(case_id="in_404"), NOW)
    ledger.close()


def test_moments_come_back_aware_and_in_utc(ledger: Ledger) -> None:
    """A moment given in another zone is the same moment in UTC on both databases, to the microsecond."""
    warsaw = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    ledger.cases.open(a_case(), warsaw)
    case = ledger.cases.get("in_1")
    assert case is not None
    assert case.opened_at == warsaw
    assert case.opened_at.tzinfo is UTC


def test_naive_moment_is_refused(ledger: Ledger) -> None:
    """A moment without a zone is an error and writes nothing."""
    with pytest.raises(StatementError, match="aware"):
        ledger.events.append("paused", datetime(2026, 11, 22))
    assert ledger.events.since(0) == []


def test_large_amounts_and_odd_texts_survive(ledger: Ledger) -> None:
    """Amounts beyond 32 bits and texts beyond ASCII come back as they were."""
    ledger.cases.open(
        a_case(amount=2**40, policy={"name": "żółć", "none": None, "deep": [1.5, {"x": True}]}), NOW
    )
    case = ledger.cases.get("in_1")
    assert case is not None
    assert case.amount == 2**40
    assert case.policy == {"name": "żółć", "none": None, "deep": [1.5, {"x": True}]}


def test_row_models_have_the_columns_of_their_tables() -> None:
    """Every table has a row model with exactly its columns."""
    models: dict[str, type[Frozen]] = {
        "cases": rows.CaseRow, "attempts": rows.AttemptRow, "observed_charges": inputs.ObservedCharge,
        "messages": rows.MessageRow, "decisions": rows.DecisionRow, "events": rows.EventRow, "links": rows.LinkRow,
        "webhooks": rows.WebhookRow, "access": rows.AccessRow, "invoices": rows.InvoiceRow,
        "rates": rows.RateRow, "cards": cards_rows.CardRow, "renewals": cards_rows.RenewalRow,
        "card_marks": cards_rows.MarkRow, "card_imports": cards_rows.ImportRow,
        "refreshes": cards_rows.RefreshRow, "refresh_targets": cards_rows.TargetRow,
        "destinations": rows.DestinationRow, "deliveries": rows.DeliveryRow,
        "message_invoices": rows.MessageInvoiceRow, "channel_stops": channels_rows.ChannelStopRow,
        "assignments": AssignmentRow, "exclusions": ExclusionRow,
        "console_users": console_rows.UserRow, "console_sessions": console_rows.SessionRow, "console_log": console_rows.LogRow,
        "history_subscriptions": history_rows.PastSubscription, "history_invoices": history_rows.PastInvoice,
        "history_payments": history_rows.PastPayment, "history_charges": history_rows.PastCharge,
        "history_imports": history_rows.HistoryImport,
        "figure_blocks": FigureBlock, "figure_folds": FigureFold,
    }  # fmt: skip
    for name, table in metadata.tables.items():
        if name == "erasing":  # nobody ever sees a row of it
            continue
        unread = {"seen_at"} if name == "observed_charges" else set()
        assert {column.name for column in table.columns} - unread == set(models[name].model_fields), name


def test_document_names_every_table_and_column() -> None:
    """docs/ledger.md has one section for each table and one line for each of its columns, and no others."""
    described: dict[str, set[str]] = {}
    sections = re.split(r"^### `(\w+)`$", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for name, section in zip(sections[1::2], sections[2::2], strict=True):
        described[name] = set(re.findall(r"^\| `(\w+)` \| \S", section, flags=re.MULTILINE))
    assert described == {
        name: {column.name for column in table.columns} for name, table in metadata.tables.items()
    }


def test_document_names_every_kind_of_event() -> None:
    """docs/ledger.md lists the kind of every event that the ledger's own code writes."""
    document = DOCUMENT.read_text(encoding="utf-8").split("| Kind | Meaning |")[1].split("## Tables")[0]
    listed = set(re.findall(r"^\| `([a-z_]+)` \| \S", document, flags=re.MULTILINE))
    folder = Path(__file__).parents[2] / "recoup" / "ledger"
    calls = [
        call for path in folder.glob("*.py") for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]
    written = set[str]()
    for call in calls:
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(("event", "_move", "_count")):
            texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
            written |= {text for text in texts if isinstance(text, str)}
    results = {f"attempt_{state}" for state in SETTLED_STATES} | {f"access_{state}" for state in Access}
    assert written | results == listed
