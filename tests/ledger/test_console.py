"""The console's accounts, sessions and log, and looking through the cases, on both databases."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from recoup.ledger import (
    CaseFilter,
    Ledger,
    NewLog,
    NotInLedger,
    Page,
    Result,
    Role,
    SessionKind,
    Sort,
    Tab,
    browsing,
)
from recoup.ledger.console_schema import console_log
from recoup.rules.case import Outcome, Stage
from recoup.rules.declines import Decline, DeclineClass
from tests.ledger.builders import NOW, a_case

HOUR = timedelta(hours=1)


@pytest.fixture
def kim(ledger: Ledger) -> Ledger:
    """A ledger with an account that has a session."""
    assert ledger.console.add_user("kim", Role.OPERATOR, "a hash", NOW)
    ledger.console.open_session("s1", "kim", NOW, NOW + 12 * HOUR)
    return ledger


def test_a_name_is_taken_once(kim: Ledger) -> None:
    """A second account of the same name is refused, and the first keeps its role and password."""
    assert not kim.console.add_user("kim", Role.ADMIN, "another", NOW)
    assert [(user.name, user.role, user.password) for user in kim.console.users()] == [
        ("kim", Role.OPERATOR, "a hash")
    ]


@pytest.mark.parametrize(("after", "good"), [(0.9, True), (1.0, False)])
def test_a_session_ends_when_it_is_not_used(kim: Ledger, after: float, good: bool) -> None:
    """A browser's session is good for less than the idle time after its last use."""
    assert (kim.console.session("s1", NOW + after * HOUR, HOUR) is not None) == good


def test_a_session_in_use_ends_all_the_same(kim: Ledger) -> None:
    """Using a session keeps it from being idle, and does not move its end."""
    for hour in range(1, 12):
        kim.console.seen("s1", NOW + hour * HOUR)
        assert kim.console.session("s1", NOW + (hour + 0.5) * HOUR, HOUR) is not None
    assert kim.console.session("s1", NOW + 12 * HOUR, HOUR) is None


def test_a_token_is_not_idle(kim: Ledger) -> None:
    """A program may ask once a day; its session ends only at its end."""
    kim.console.open_session("t1", "kim", NOW, NOW + 1000 * HOUR, SessionKind.TOKEN, "reports")
    assert kim.console.session("t1", NOW + 900 * HOUR, HOUR) is not None
    assert kim.console.session("t1", NOW + 1000 * HOUR, HOUR) is None


def test_what_ends_every_session(kim: Ledger) -> None:
    """Another password, another role and disabling end the sessions; another account's go on."""
    kim.console.add_user("ada", Role.ADMIN, "hers", NOW)
    kim.console.open_session("a1", "ada", NOW, NOW + HOUR)
    changes: tuple[Callable[[], None], ...] = (
        lambda: kim.console.set_password("kim", "new", NOW),
        lambda: kim.console.set_role("kim", Role.VIEWER, NOW),
        lambda: kim.console.disable_user("kim", NOW),
    )
    for number, change in enumerate(changes):
        kim.console.open_session(f"k{number}", "kim", NOW, NOW + HOUR)
        change()
        assert kim.console.sessions(NOW, "kim") == []
        assert kim.console.session(f"k{number}", NOW, HOUR) is None
    kim.console.open_session("late", "kim", NOW, NOW + HOUR)
    assert kim.console.session("late", NOW, HOUR) is None, "a disabled account has no session"
    assert kim.console.session("a1", NOW, HOUR) is not None
    with pytest.raises(NotInLedger):
        kim.console.set_password("nobody", "x", NOW)


def test_an_account_that_comes_from_elsewhere(kim: Ledger) -> None:
    """It is known by its identity whatever it is called, made once, and never under a name that somebody has."""
    assert kim.console.of_provider("oidc:1") is None
    made = kim.console.admit("ada-1", "oidc:1", Role.VIEWER, NOW)
    assert made is not None
    assert (made.name, made.role, made.is_local) == ("ada-1", Role.VIEWER, False)
    assert kim.console.admit("ada-2", "oidc:1", Role.ADMIN, NOW) == made == kim.console.of_provider("oidc:1")
    assert kim.console.admit("kim", "oidc:2", Role.ADMIN, NOW) is None
    assert kim.console.admit("ada-1", "oidc:2", Role.ADMIN, NOW) is None
    assert [(user.name, user.is_local) for user in kim.console.users()] == [("ada-1", False), ("kim", True)]


def test_two_log_ins_at_once_are_one_account(ledger: Ledger) -> None:
    """One person in several windows under different names: one account, which all of them get."""
    with ThreadPoolExecutor(4) as pool:
        admit = partial(ledger.console.admit, identity="oidc:1", role=Role.VIEWER, at=NOW)
        found = {user.name for user in pool.map(admit, ("a-1", "b-1", "c-1", "d-1")) if user is not None}
    assert [user.name for user in ledger.console.users()] == list(found)


def test_ending_every_session(kim: Ledger) -> None:
    """All sessions of the account end, a program's too, and nothing else about it changes."""
    kim.console.open_session("t1", "kim", NOW, NOW + HOUR, SessionKind.TOKEN, "reports")
    before = kim.console.user("kim")
    kim.console.end_sessions("kim", NOW)
    assert kim.console.sessions(NOW) == []
    assert kim.console.user("kim") == before


def test_a_session_is_revoked_once(kim: Ledger) -> None:
    """Ending a session is final, and said once."""
    assert kim.console.revoke_session("s1", NOW)
    assert not kim.console.revoke_session("s1", NOW)
    assert kim.console.session("s1", NOW, HOUR) is None


def test_the_log_is_read_backwards_and_never_changed(ledger: Ledger) -> None:
    """The newest entry comes first, page by page, by account and by case; the database refuses to change or remove one."""
    for number in range(5):
        actor, case = ("kim", "in_1") if number % 2 else ("ada", None)
        ledger.console.log(NewLog(actor=actor, action=f"a{number}", case_id=case, result=Result.DONE), NOW)
    newest = ledger.console.logged(limit=2)
    assert [row.action for row in newest] == ["a4", "a3"]
    assert [row.action for row in ledger.console.logged(before=newest[-1].id)] == ["a2", "a1", "a0"]
    assert [row.action for row in ledger.console.logged(actor="kim", case_id="in_1")] == ["a3", "a1"]
    for change in (sa.update(console_log).values(actor="nobody"), sa.delete(console_log)):
        with pytest.raises(sa.exc.IntegrityError), ledger._store.engine.begin() as connection:
            connection.execute(change)


def many(ledger: Ledger) -> None:
    """Twelve cases in two currencies, with priorities that repeat; two wait for a person, one is lost."""
    for n in range(12):
        case = a_case(
            id=f"in_{n:02}", workflow_id=f"recovery/in_{n:02}", invoice=f"in_{n:02}", customer=f"cus_{n}",
            amount=100 * (n + 1), currency="pln" if n % 3 else "eur", priority=(n % 2) * 50,
            failed_at=NOW - n * HOUR, campaign="vip" if n < 4 else "everybody",
        )  # fmt: skip
        assert ledger.cases.open(case, NOW).admitted
    ledger.cases.note("in_01", Stage.PERSON, NOW, next_because="somebody must look")
    ledger.cases.note("in_02", Stage.PERSON, NOW)
    ledger.cases.note("in_03", Stage.WAITING, NOW, next_kind="attempt", next_at=NOW + HOUR)
    ledger.cases.close("in_04", Outcome.LOST_SUSPENDED, "nothing was paid", NOW)


def test_cases_are_counted_by_tab(ledger: Ledger) -> None:
    """Each tab counts its stages, also of what a filter leaves."""
    many(ledger)
    counts = ledger.browsing.counts(CaseFilter())
    assert (counts[Tab.PERSON], counts[Tab.ACTIVE], counts[Tab.LOST], counts[Tab.ALL]) == (2, 9, 1, 12)
    assert ledger.browsing.counts(CaseFilter(campaign="vip"))[Tab.ALL] == 4
    assert ledger.browsing.names() == (["eur", "pln"], ["everybody", "vip"])


@pytest.mark.parametrize("sort", list(Sort))
def test_pages_miss_and_repeat_nothing(ledger: Ledger, sort: Sort) -> None:
    """Going on from the last case of a page gives every case once, in one order, whatever it is sorted by."""
    many(ledger)
    seen, after = [], None
    while True:
        page = ledger.browsing.page(Tab.ALL, CaseFilter(), sort, after, limit=5)
        seen += [row.id for row in page.rows]
        if not page.more:
            break
        after = page.rows[-1]
    assert seen == [row.id for row in ledger.browsing.all_of(Tab.ALL, CaseFilter(), sort)]
    assert sorted(seen) == [f"in_{n:02}" for n in range(12)]


def test_the_orders(ledger: Ledger) -> None:
    """Priority puts the important and old first, `amount` the largest of each currency."""
    many(ledger)

    def first(sort: Sort) -> str:
        return ledger.browsing.page(Tab.ALL, CaseFilter(), sort).rows[0].id

    assert [first(sort) for sort in Sort][:4] == ["in_11", "in_00", "in_11", "in_09"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (CaseFilter(currency="eur"), {"in_00", "in_03", "in_06", "in_09"}),
        (CaseFilter(from_priority=50, campaign="vip"), {"in_01", "in_03"}),
        (CaseFilter(least=300, most=400), {"in_02", "in_03"}),
        (CaseFilter(failed_from=NOW - HOUR), {"in_00", "in_01"}),
        (CaseFilter(failed_before=NOW - 10 * HOUR), {"in_11"}),
        (CaseFilter(search="cus_1"), {"in_01", "in_10", "in_11"}),
        (CaseFilter(search="in_0%"), set()),
        (CaseFilter(owner="kim"), set()),
    ],
)
def test_filters(ledger: Ledger, wanted: CaseFilter, found: set[str]) -> None:
    """Each filter leaves what it names; a search is for the beginning of an id and takes no wildcards."""
    many(ledger)
    assert {row.id for row in ledger.browsing.page(Tab.ALL, wanted).rows} == found


def test_a_search_that_finds_many_is_gone_through_in_order(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than are looked up one by one: the same cases, counts and pages."""
    many(ledger)
    wanted = CaseFilter(search="cus_1")
    few, counted = ledger.browsing.page(Tab.ALL, wanted), ledger.browsing.counts(wanted)
    monkeypatch.setattr(browsing, "_FEW", 1)
    assert ledger.browsing.page(Tab.ALL, wanted) == few
    assert ledger.browsing.counts(wanted) == counted
    assert counted[Tab.ALL] == len(few.rows) == 3
    after = ledger.browsing.page(Tab.ALL, wanted, after=few.rows[0])
    assert after.rows == few.rows[1:]


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize(
    "wanted", [CaseFilter(currency="pln"), CaseFilter(owner="kim"), CaseFilter(least=300)]
)
def test_few_and_many_that_a_filter_leaves_are_the_same_cases(
    ledger: Ledger, wanted: CaseFilter, sort: Sort, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked up one by one or met along the order: the same pages of every tab, from the beginning and further on."""
    many(ledger)
    for case in ("in_01", "in_04", "in_05"):
        ledger.people.assign(case, "kim", NOW, actor="kim", because="mine", unique=case)

    def pages(few: int) -> list[Page]:
        monkeypatch.setattr(browsing, "_FEW", few)
        found = []
        for tab in Tab:
            found.append(ledger.browsing.page(tab, wanted, sort, limit=1, paused=["in_07"]))
            after = found[-1].rows[-1] if found[-1].more else None
            found.append(ledger.browsing.page(tab, wanted, sort, after, paused=["in_07"]))
        return found

    few, along = pages(2000), pages(0)
    assert few == along
    assert any(page.more for page in few)


def test_no_list_reads_all_cases(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the tab, order and filter, SQLite finds a page and its counts along indexes: it scans no table, and sorts the page alone."""
    if ledger._store.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL plans by what it knows of the rows, and of twelve it scans the table")
    many(ledger)
    said: list[tuple[str, Any, bool]] = []
    engine, after = ledger._store.engine, ledger.cases.get("in_04")
    sa.event.listen(engine, "before_cursor_execute", lambda *heard: said.append((heard[2], heard[3], by_few)))
    filtered = CaseFilter(currency="eur", campaign="vip"), CaseFilter(owner="kim"), CaseFilter(least=1)
    for few, wanted in (2000, (CaseFilter(search="cus_1"), *filtered)), (0, (CaseFilter(), *filtered)):
        monkeypatch.setattr(browsing, "_FEW", few)
        by_few = few > 0
        for tab, sort, some in itertools.product(Tab, Sort, wanted):
            ledger.browsing.page(tab, some, sort, after)
            ledger.browsing.counts(some)
    sorted_ = "USE TEMP B-TREE FOR ORDER BY"
    with engine.connect() as connection:
        for statement, values, searched in [each for each in said if each[0].startswith("SELECT")]:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            steps = [step.detail for step in plan]
            assert not [step for step in steps if step.startswith("SCAN cases")], statement
            assert searched or steps.count(sorted_) <= 1, statement


def test_the_customers_other_cases(ledger: Ledger) -> None:
    """All cases of one customer."""
    many(ledger)
    assert [row.id for row in ledger.browsing.of_customer("cus_3")] == ["in_03"]


def test_an_open_case_is_in_one_tab(ledger: Ledger) -> None:
    """Paused as its workflow says, the customer's turn after a refusal for good or the last notice, else active."""
    many(ledger)
    hard = Decline(code="stolen_card")
    ledger.cases.note("in_05", Stage.NOTIFIED, NOW, decline=hard, decline_class=DeclineClass.FRAUD)
    ledger.cases.note("in_06", Stage.WARNED, NOW)
    paused = ["in_02", "in_06", "in_07", "in_404"]
    shown = {
        tab: {row.id for row in ledger.browsing.page(tab, CaseFilter(), paused=paused).rows} for tab in Tab
    }
    assert shown[Tab.PERSON] == {"in_01", "in_02"}
    assert shown[Tab.PAUSED] == {"in_06", "in_07"}
    assert shown[Tab.CUSTOMER] == {"in_05"}
    assert shown[Tab.ACTIVE] == {"in_00", "in_03", "in_08", "in_09", "in_10", "in_11"}
    counts = ledger.browsing.counts(CaseFilter(), paused)
    assert counts == {tab: len(found) for tab, found in shown.items()}
