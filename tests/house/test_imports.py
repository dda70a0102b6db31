"""Who may import whom: what stands higher imports what stands lower, never the other way round."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house._tree import Source, product, report

STOREYS: tuple[tuple[str, ...], ...] = (
    ("recoup.errors", "recoup.clock", "recoup.metrics"),
    ("recoup.rules", "recoup.worlds", "recoup.process", "recoup.logs"),
    (
        "activities.contracts",
        "activities.sweep_contracts",
        "activities.card_contracts",
        "activities.integration_contracts",
        "activities.note_contracts",
        "activities.wish_contracts",
        "activities.people_contracts",
        "activities.timing_contracts",
        "activities.digest_contracts",
        "recoup.targets_file",
        "recoup.policy",
        "recoup.statistics",
    ),
    ("recoup.ledger", "recoup.messages", "recoup.timing"),
    ("recoup.integrations",),
    ("recoup.settings",),
    (
        "recoup.access",
        "recoup.addressing",
        "recoup.experiments",
        "recoup.observing",
        "recoup.figures",
        "recoup.billing",
        "recoup.links",
        "recoup.temporal",
    ),
    ("recoup.learning", "recoup.moving", "recoup.digest"),
    ("activities",),
    ("recoup.web", "recoup.simulation", "recoup.sandbox", "recoup.demo", "workflows"),
    ("recoup.doctor", "recoup.refreshing", "recoup.hosting"),
    ("worker", "starter"),
    ("recoup.virtual",),
    ("recoup.chaos", "recoup.rehearsal"),
    ("recoup.commands",),
    ("recoup.cli",),
    ("recoup.__main__",),
)
"""From the ground up. A part imports itself and the storeys below, never a neighbour on its own storey."""

ONLY: dict[str, tuple[str, ...]] = {
    "recoup.rules": (),
    "recoup.worlds": (),
    "recoup.sandbox": ("recoup.worlds", "recoup.errors"),
    "recoup.statistics": ("recoup.rules",),
    "activities.contracts": ("recoup.rules",),
    "activities.sweep_contracts": ("recoup.rules",),
    "activities.card_contracts": ("recoup.rules",),
    "activities.integration_contracts": ("recoup.rules",),
    "activities.note_contracts": ("recoup.rules",),
    "activities.wish_contracts": ("recoup.rules",),
    "activities.people_contracts": ("recoup.rules",),
    "activities.timing_contracts": ("recoup.rules",),
    "activities.digest_contracts": ("recoup.rules",),
}
"""Parts that may import less than all that is below them: the pure ones, and the Stripe that must not know the product."""

IMPORTERS: dict[str, tuple[str, ...]] = {
    "recoup.sandbox": ("recoup.cli",),
    "recoup.worlds": (
        "recoup.sandbox",
        "recoup.simulation",
        "recoup.demo",
        "recoup.chaos",
        "recoup.rehearsal",
    ),
    "recoup.chaos": ("recoup.cli",),
    "recoup.virtual": ("recoup.chaos", "recoup.rehearsal"),
    "recoup.rehearsal": ("recoup.commands",),
}
"""Parts that only these may import: the product reaches its sandbox over HTTP, and knows nothing of worlds."""

PURE_LIBRARIES = frozenset(
    """
    __future__ abc bisect calendar collections dataclasses datetime decimal enum fractions functools hashlib itertools
    json math operator re string types typing zoneinfo annotated_types pydantic typing_extensions
    """.split()
)
"""What neither reads nor writes anything; zoneinfo's tables are data of the installation."""

LIBRARIES: dict[str, frozenset[str]] = {
    "recoup.rules": PURE_LIBRARIES,
    "recoup.statistics": PURE_LIBRARIES | {"numpy"},
    "activities.contracts": PURE_LIBRARIES,
    "activities.sweep_contracts": PURE_LIBRARIES,
    "activities.card_contracts": PURE_LIBRARIES,
    "activities.integration_contracts": PURE_LIBRARIES,
    "activities.note_contracts": PURE_LIBRARIES,
    "activities.wish_contracts": PURE_LIBRARIES,
    "activities.people_contracts": PURE_LIBRARIES,
    "activities.timing_contracts": PURE_LIBRARIES,
    "activities.digest_contracts": PURE_LIBRARIES,
    "workflows": PURE_LIBRARIES | {"asyncio", "contextlib", "temporalio"},
}
"""Parts that do no I/O, and what they may import from outside the project."""

CONTRACTS = (
    "activities.contracts",
    "activities.sweep_contracts",
    "activities.card_contracts",
    "activities.integration_contracts",
    "activities.note_contracts",
    "activities.wish_contracts",
    "activities.people_contracts",
    "activities.timing_contracts",
    "activities.digest_contracts",
)
"""What workflows and activities say to each other: the only modules of the activities that workflows import."""

TOPS = ("recoup", "workflows", "activities", "worker", "starter", "tests", "bench", "scripts")


def part_of(module: str) -> str | None:
    """The part of the house that a module belongs to: the longest name in STOREYS that it begins with."""
    names = [name for storey in STOREYS for name in storey if f"{module}.".startswith(f"{name}.")]
    return max(names, key=len, default=None)


def height_of(part: str) -> int:
    """The number of the storey a part stands on."""
    return next(number for number, storey in enumerate(STOREYS) if part in storey)


def imports_of(source: Source) -> Iterator[tuple[str, str]]:
    """Every module that a file imports, anywhere in it, with its place; ``from a import b`` counts as ``a.b``."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, source.at(node)) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module}.{alias.name}", source.at(node)) for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            named = [argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)]
            yield from ((str(name), source.at(node)) for name in named)


def violations_in(source: Source) -> list[str]:
    """What a file imports against the rules."""
    if source.module == "recoup":
        return [f"{place}: the package imports {name} for everybody" for name, place in imports_of(source)
                if name.split(".")[0] in TOPS]  # fmt: skip
    importer = part_of(source.module)
    if importer is None:
        return [f"{source.place}: a new part; say in STOREYS on which storey it stands"]
    return [
        f"{place}: {problem}" for name, place in imports_of(source) if (problem := _problem(importer, name))
    ]


def _problem(importer: str, name: str) -> str | None:
    top = name.split(".", maxsplit=1)[0]
    if top not in TOPS:
        allowed = LIBRARIES.get(importer)
        return None if allowed is None or top in allowed else f"{importer} does no I/O, {name} may"
    if top in ("tests", "bench", "scripts"):
        return f"{importer} is installed, {name} is not"
    imported = part_of(name)
    if imported in (None, importer):
        return None  # the package's version, or the part itself
    assert imported is not None
    return _problem_between(importer, imported)


def _problem_between(importer: str, imported: str) -> str | None:
    if importer == "workflows" and imported == "activities":
        return f"workflows import from activities only {', '.join(CONTRACTS)}"
    if importer == "activities" and imported in CONTRACTS:
        return None
    if imported in IMPORTERS and importer not in IMPORTERS[imported]:
        return f"{imported} is imported by {', '.join(IMPORTERS[imported])} alone"
    if importer in ONLY and imported not in ONLY[importer]:
        return (
            f"{importer} may import {', '.join(ONLY[importer]) or 'nothing of the product'}, not {imported}"
        )
    if height_of(imported) >= height_of(importer):
        return f"{importer} must not import {imported}, which stands beside or above it"
    return None


def test_imports_only_lead_downwards() -> None:
    """Every import in the product leads to a lower storey, the pure parts do no I/O, and nobody knows the sandbox."""
    violations = [found for source in product() for found in violations_in(source)]
    assert not violations, report(
        violations, "Move what is shared to a lower storey (tests/house/test_imports.py):"
    )


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("recoup/rules/planted.py", "from recoup.ledger import Ledger"),
        ("recoup/rules/planted.py", "from recoup.clock import Clock"),
        ("recoup/rules/planted.py", "import os"),
        ("recoup/rules/planted.py", "def late():\n    import sqlalchemy"),
        ("recoup/ledger/planted.py", "from recoup.messages import sending"),
        ("recoup/ledger/planted.py", "from recoup import settings"),
        ("recoup/messages/planted.py", "import activities.payments"),
        ("activities/contracts.py", "from recoup.ledger import Ledger"),
        ("activities/contracts.py", "from activities.payments import Payments"),
        ("activities/planted.py", "from recoup.web import app"),
        ("workflows/planted.py", "from activities import payments"),
        ("workflows/planted.py", "from activities.payments import Payments"),
        ("workflows/planted.py", "import requests"),
        ("recoup/sandbox/planted.py", "from recoup.rules.money import Money"),
        ("recoup/web/planted.py", "from recoup.sandbox import app"),
        ("recoup/web/planted.py", "import recoup.worlds"),
        ("recoup/web/planted.py", "from workflows.recovery import RecoveryCase"),
        ("recoup/web/planted.py", "import importlib\nimportlib.import_module('recoup.sandbox')"),
        ("recoup/billing/planted.py", "from tests.fixtures import network"),
        ("recoup/planted.py", ""),
        ("recoup/__init__.py", "from recoup.cli import main"),
        ("worker.py", "from recoup.cli import main"),
    ],
)
def test_a_forbidden_import_is_found(place: str, text: str) -> None:
    """Each rule finds the import that breaks it."""
    assert len(violations_in(Source(place, text))) == 1


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (
            "recoup/rules/planted.py",
            "from recoup.rules import money\nfrom decimal import Decimal\nimport pydantic",
        ),
        (
            "recoup/ledger/planted.py",
            "from recoup.rules import case\nimport sqlalchemy\nfrom recoup import __version__",
        ),
        (
            "workflows/planted.py",
            "from activities.contracts import StartCase\nfrom activities import contracts",
        ),
        (
            "activities/planted.py",
            "from activities.contracts import StartCase\nfrom recoup.ledger import Ledger",
        ),
        ("recoup/temporal/planted.py", "from activities.contracts import StartCase"),
        (
            "recoup/sandbox/planted.py",
            "from recoup.worlds import world\nfrom recoup.errors import RecoupError",
        ),
        ("recoup/cli.py", "def sandbox():\n    from recoup.sandbox import serve\n    import worker"),
    ],
)
def test_an_allowed_import_is_left_alone(place: str, text: str) -> None:
    """What the drawing of the house allows is not complained about."""
    assert violations_in(Source(place, text)) == []
