"""Time comes from one clock: nobody but ``recoup/clock.py`` asks the machine, so that virtual time reaches everything."""

from __future__ import annotations

import ast

import pytest

from tests.house._tree import Source, product, report

_EXEMPT = (
    "recoup/clock.py",
    "recoup/sandbox/",
)  # the clock itself; a process of its own that moves virtual time
_ASKING = {
    "datetime": {"now", "today", "utcnow"},
    "date": {"today"},
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime"},
}
_NEVER = "utcnow"


def violations_in(source: Source) -> list[str]:
    """Where a file asks the machine for the time, or makes a naive ``utcnow``."""
    exempt = source.place.startswith(_EXEMPT)
    return [
        f"{source.at(node)}: {ast.unparse(node)}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name | ast.Attribute)
        and node.attr in _ASKING.get(ast.unparse(node.value).split(".")[-1], ())
        and (node.attr == _NEVER or not exempt)
    ] + [
        f"{source.at(node)}: {ast.unparse(node)}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "time" and not exempt
        and any(alias.name in _ASKING["time"] for alias in node.names)
    ]  # fmt: skip


def test_everybody_asks_the_one_clock() -> None:
    """No module outside the clock and the sandbox reads the wall clock, and none makes a naive time."""
    violations = [found for source in product() for found in violations_in(source)]
    assert not violations, report(
        violations, "Take the time from recoup.clock (in a workflow: workflow.now()):"
    )


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("recoup/web/planted.py", "from datetime import UTC, datetime\nmoment = datetime.now(UTC)"),
        ("recoup/web/planted.py", "import datetime\nmoment = datetime.datetime.now(datetime.UTC)"),
        ("recoup/web/planted.py", "field = Field(default_factory=datetime.now)"),
        ("recoup/ledger/planted.py", "import time\nmoment = time.time()"),
        ("recoup/ledger/planted.py", "from time import time\nmoment = time()"),
        ("activities/planted.py", "from datetime import date\nday = date.today()"),
        ("recoup/sandbox/planted.py", "from datetime import datetime\nmoment = datetime.utcnow()"),
        ("recoup/clock.py", "from datetime import datetime\nmoment = datetime.utcnow()"),
    ],
)
def test_a_second_clock_is_found(place: str, text: str) -> None:
    """Asking the machine is found, in whichever way it is written."""
    assert len(violations_in(Source(place, text))) == 1


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("workflows/planted.py", "moment = workflow.now()"),
        (
            "recoup/web/planted.py",
            "import time\nbegan = time.monotonic()\ntime.sleep(1)\nmoment = clock.now()",
        ),
        ("recoup/sandbox/planted.py", "from datetime import UTC, datetime\nmoment = datetime.now(UTC)"),
    ],
)
def test_other_uses_of_time_are_left_alone(place: str, text: str) -> None:
    """The clock port, workflow time, durations and the sandbox's own clock are not complained about."""
    assert violations_in(Source(place, text)) == []
