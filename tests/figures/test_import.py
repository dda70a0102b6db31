"""The import of history from Stripe: whole, resumed where it was broken off, and nothing twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from stripe import InvalidRequestError, StripeClient

from activities.pacing import BUCKET, Pace
from recoup.billing import history as reading
from recoup.cli import cli
from recoup.commands._importing import Importer
from recoup.errors import ConnectionFailed
from recoup.ledger import Ledger
from recoup.ledger.history_rows import Kind
from recoup.ledger.history_schema import (
    history_charges,
    history_imports,
    history_invoices,
    history_payments,
    history_subscriptions,
)
from recoup.ledger.schema import metadata
from tests.fixtures.sandbox import KEY, Sandbox, running_sandbox
from tests.ledger.databases import migrate

WORLD = """
version: 1
name: past
seed: 1
start: {weekday: monday, time: "09:00", timezone: UTC}
cards:
  good: {brand: visa}
  empty: {brand: visa, issuer: [{declines: {decline_code: insufficient_funds, network_decline_code: "51"}}]}
customers:
"""
PERSON = """
  {name}:
    name: {name} Secret
    email: {name}@example.com
    pays_with: {card}
    subscriptions: [{{product: Team plan, amount: {amount}, currency: {currency}, renews_in: {{days: {days}}}}}]
"""
KEPT = (history_subscriptions, history_invoices, history_payments, history_charges)


class Killed(Exception):
    """The process is gone."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Seven customers over three months, two of whom have no money; one payment is given back."""
    folder = tmp_path_factory.mktemp("past")
    people = [PERSON.format(name=f"p{n}", card="good", amount=1000 + n, currency="pln" if n % 2 else "eur", days=2 + n)
              for n in range(5)]  # fmt: skip
    people += [
        PERSON.format(name=f"e{n}", card="empty", amount=4900, currency="pln", days=1) for n in range(2)
    ]
    (folder / "world.yaml").write_text(WORLD + "".join(people))
    with running_sandbox(folder, folder / "world.yaml") as running:
        running.control("seed", {})
        running.pass_time(days=95)
        charges = running.client().v1.charges.list({"limit": 100})
        paid = next(charge for charge in charges.data if charge.status == "succeeded")
        running.client().v1.refunds.create({"charge": paid.id, "amount": 400})
        yield running


@pytest.fixture
def ledgers(tmp_path: Path) -> Iterator[Callable[[str], Ledger]]:
    """Ledgers by name, each with its tables."""
    opened: dict[str, Ledger] = {}

    def ledger(name: str) -> Ledger:
        if name not in opened:
            url = f"sqlite:///{tmp_path}/{name}.db"
            migrate(url)
            opened[name] = Ledger.connect(url)
        return opened[name]

    yield ledger
    for each in opened.values():
        each.close()


def _importer(sandbox: Sandbox, ledger: Ledger, say: Callable[[str], None] = lambda _: None) -> Importer:
    pace = Pace(ledger, sandbox.clock, 1000, lambda _: None)
    return Importer(sandbox.client(), ledger, sandbox.clock, pace, say)


def _begin(sandbox: Sandbox) -> datetime:
    return sandbox.clock.now() - timedelta(days=200)


def _kept(ledger: Ledger, but: tuple[str, ...] = ("read_at",)) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that was imported, but for when it was read."""
    engine = sa.create_engine(f"sqlite:///{ledger.name.removeprefix('sqlite:///')}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        return {
            table.name: sorted(
                tuple(row)
                for row in connection.execute(sa.select(*(c for c in table.columns if c.name not in but)))
            )
            for table in KEPT
        }


def test_everything_is_kept_as_stripe_has_it(
    sandbox: Sandbox, ledgers: Callable[[str], Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every object of the account has its row; amounts are the same to the cent, and each charge leads to its invoice."""
    monkeypatch.setattr(reading, "PAGE", 7)
    ledger, api = ledgers("one"), sandbox.client().v1
    _importer(sandbox, ledger).run(_begin(sandbox))
    kept = _kept(ledger)
    invoices = list(api.invoices.list({"limit": 100}).auto_paging_iter())
    charges = list(api.charges.list({"limit": 100}).auto_paging_iter())
    assert [row[0] for row in kept["history_subscriptions"]] == sorted(
        each.id for each in api.subscriptions.list({"status": "all", "limit": 100}).auto_paging_iter()
    )
    assert [(row[0], row[7]) for row in kept["history_invoices"]] == sorted(
        (each.id, each.amount_paid) for each in invoices
    )
    assert [(row[0], row[5], row[6]) for row in kept["history_charges"]] == sorted(
        (each.id, each.amount, each.amount_refunded) for each in charges
    )
    assert sum(row[6] for row in kept["history_charges"]) == 400
    paid = sum(each.amount_paid - each.amount_paid_off_stripe for each in invoices)
    assert sum(row[5] for row in kept["history_payments"]) == paid > 0
    intents = {row[2] for row in kept["history_payments"]}
    assert {row[2] for row in kept["history_charges"]} <= intents
    assert {row[8] for row in kept["history_charges"]} == {None, "insufficient_funds"}
    assert all(each.finished_at for each in ledger.history.imports().values())


def test_nothing_personal_is_kept(sandbox: Sandbox, ledgers: Callable[[str], Ledger]) -> None:
    """No name and no address of any customer stands in the tables."""
    ledger = ledgers("one")
    _importer(sandbox, ledger).run(_begin(sandbox))
    assert "Secret" not in str(_kept(ledger))
    assert "@" not in str(_kept(ledger))


@pytest.mark.parametrize("after_pages", [1, 3, 8])
def test_killed_at_any_place_it_goes_on_and_brings_the_same(
    sandbox: Sandbox,
    ledgers: Callable[[str], Ledger],
    monkeypatch: pytest.MonkeyPatch,
    after_pages: int,
) -> None:
    """Killed between reading and writing, and once more after writing: the same rows, and no page read twice but the one that was lost."""
    monkeypatch.setattr(reading, "PAGE", 7)
    whole, broken = ledgers("one"), ledgers("other")
    _importer(sandbox, whole).run(_begin(sandbox))

    def calls() -> int:
        lists = ("/v1/subscriptions", "/v1/invoices", "/v1/invoice_payments", "/v1/charges")
        return sum(call["path"] in lists for call in sandbox.control("requests"))

    before = calls()
    _importer(sandbox, ledgers("again")).run(_begin(sandbox))
    needed, before = calls() - before, calls()
    pages: list[str] = []
    read = reading.read_past

    def lost(*arguments: Any) -> Any:
        pages.append("read")
        found = read(*arguments)
        if len(pages) == after_pages:
            raise Killed
        return found

    monkeypatch.setattr("recoup.commands._importing.read_past", lost)
    with pytest.raises(Killed):
        _importer(sandbox, broken).run(_begin(sandbox))

    def killed(_: str) -> None:
        raise Killed

    with pytest.raises(Killed):
        _importer(sandbox, broken, killed).run(_begin(sandbox))
    _importer(sandbox, broken).run(_begin(sandbox))
    assert _kept(broken) == _kept(whole)
    assert calls() - before <= needed + 1


def test_run_again_it_reads_only_what_may_have_changed(
    sandbox: Sandbox, ledgers: Callable[[str], Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run begins 120 days before the first one, unless all is asked for or it has to go back further."""
    monkeypatch.setattr("recoup.ledger.history.STILL_CHANGES", timedelta(days=40))
    ledger, begin = ledgers("one"), _begin(sandbox)
    _importer(sandbox, ledger).run(begin)
    first = ledger.history.imports()
    _importer(sandbox, ledger).run(begin)
    second = ledger.history.imports()[Kind.INVOICES]
    assert 0 < second.seen < first[Kind.INVOICES].seen
    assert (second.since, second.reads_since) == (
        begin,
        first[Kind.INVOICES].began_at - timedelta(days=40),
    )
    _importer(sandbox, ledger).run(begin, whole=True)
    assert ledger.history.imports()[Kind.INVOICES].seen == first[Kind.INVOICES].seen
    _importer(sandbox, ledger).run(begin - timedelta(days=1))
    assert ledger.history.imports()[Kind.INVOICES].since == begin - timedelta(days=1)


def test_every_page_waits_for_its_turn(sandbox: Sandbox, ledgers: Callable[[str], Ledger]) -> None:
    """The rate that all workers share is asked before each request, so that an import slows nobody down."""
    ledger = ledgers("one")
    waited: list[float] = []
    slow = Pace(ledger, sandbox.clock, 1, waited.append)
    dataclasses.replace(_importer(sandbox, ledger), pace=slow).run(_begin(sandbox))
    assert ledger.rates.get(BUCKET) is not None
    assert sum(waited) > 1


def test_the_command_tells_how_far_it_is(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`recoup import --since` says each kind's number as it goes."""
    migrate(f"sqlite:///{tmp_path}/ledger.db")
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "RECOUP_DATABASE_URL": f"sqlite:///{tmp_path}/ledger.db",
        "RECOUP_STRIPE__API_KEY": KEY,
        "RECOUP_STRIPE__API_BASE": sandbox.address,
        "RECOUP_STRIPE__SWEEP_REQUESTS_PER_SECOND": "100",
        "RECOUP_CLOCK_FILE": str(sandbox.clock_file),
    }.items():
        monkeypatch.setenv(name, value)
    told = CliRunner().invoke(cli, ["import", "--since", "2025-01-01"])
    assert told.exit_code == 0, told.output
    assert "subscriptions: 7 in all" in told.output
    assert "charges: " in told.output


def test_stripe_away_is_said_and_loses_nothing(sandbox: Sandbox, ledgers: Callable[[str], Ledger]) -> None:
    """One sentence; the next run goes on behind what was read."""
    ledger = ledgers("one")
    stripe_away = StripeClient(KEY, base_addresses={"api": "http://127.0.0.1:9"}, max_network_retries=0)
    with pytest.raises(ConnectionFailed, match=r"could not list the subscriptions: .* goes on from there"):
        dataclasses.replace(_importer(sandbox, ledger), client=stripe_away).run(_begin(sandbox))
    _importer(sandbox, ledger).run(_begin(sandbox))
    assert len(_kept(ledger)["history_subscriptions"]) == 7


def test_what_was_read_earlier_does_not_undo_what_was_read_later(
    sandbox: Sandbox, ledgers: Callable[[str], Ledger]
) -> None:
    """Two runs at once: the page that was read first and is written last changes nothing."""
    ledger, begin = ledgers("one"), _begin(sandbox)
    _importer(sandbox, ledger).run(begin)
    known = _kept(ledger)
    now = sandbox.clock.now()
    page = reading.read_past(sandbox.client(), Kind.INVOICES, begin, None, now)
    stale = [row.model_copy(update={"status": "open", "paid": 0, "read_at": begin}) for row in page.rows]
    ledger.history.write_page(ledger.history.imports()[Kind.INVOICES], stale, None, now)
    assert _kept(ledger) == known


@pytest.mark.parametrize(
    "forgotten", [False, True], ids=["the same place again", "a place that is not known"]
)
def test_a_list_that_leads_in_circles_ends_the_import(
    sandbox: Sandbox, ledgers: Callable[[str], Ledger], monkeypatch: pytest.MonkeyPatch, forgotten: bool
) -> None:
    """A place that never moves on, or that Stripe forgets each time: one sentence instead of an import without an end."""
    monkeypatch.setattr(reading, "PAGE", 3)
    ledger, read, asked = ledgers("one"), reading.read_past, list[str | None]()

    def round_and_round(client: Any, kind: Kind, since: datetime, after: str | None, at: datetime) -> Any:
        asked.append(after)
        assert len(asked) < 10
        if forgotten and after is not None:
            raise InvalidRequestError("No such object", "starting_after")  # type: ignore[no-untyped-call]
        return read(client, kind, since, None, at)

    monkeypatch.setattr("recoup.commands._importing.read_past", round_and_round)
    said = "list of the subscriptions leads back to where it was read already"
    with pytest.raises(ConnectionFailed, match=said):
        _importer(sandbox, ledger).run(_begin(sandbox))
    assert len(_kept(ledger)["history_subscriptions"]) == 3


def test_it_knows_its_tables() -> None:
    """All tables of history are compared here."""
    named = {name for name in metadata.tables if name.startswith("history_")}
    assert named == {table.name for table in (*KEPT, history_imports)}
