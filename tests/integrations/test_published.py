"""The public vocabulary: every kind of event is decided upon, every type is documented, nothing personal leaves."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from activities.note_contracts import NoteKind
from recoup.integrations import _words
from recoup.integrations.published import INTERNAL, PUBLISHED, EventType, PublicEvent, is_public, publish
from recoup.ledger import EventRow
from recoup.rules.case import SETTLED_STATES, Access, Outcome
from recoup.web.webhooks.commands import Signal
from tests.house._tree import product
from tests.integrations.stage import Stage
from tests.ledger.builders import NOW

DOCUMENT = Path(__file__).parents[2] / "docs" / "integrations.md"
WRITERS = (
    "event",
    "_event",
    "append",
    "_move",
    "_count",
    "_note",
    "_record",
    "_noted",
    "Record",
    "_did",
    "_started",
    "_tell",
)
NOTES = frozenset(NoteKind.__members__)
KIND = re.compile(r"decided|[a-z]+(?:[._][a-z_]+)+")
PLACES = (
    "recoup/ledger/",
    "recoup/learning/",
    "activities/",
    "recoup/web/webhooks/",
    "recoup/web/ses/",
    "recoup/digest/sending.py",
)


def _kinds_in(tree: ast.Module) -> Iterator[str]:
    """What a file gives as a kind to whoever writes events, and the constants that other files name such kinds by."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in WRITERS:
            values = [*node.args, *(word.value for word in node.keywords if word.arg == "kind")]
            yield from (
                value.value
                for value in values
                if isinstance(value, ast.Constant) and isinstance(value.value, str)
            )
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            name, value = ast.unparse(node.targets[0]), node.value.value
            if name == "EVENT" or name in NOTES or value.startswith("webhook."):
                yield value


def _written() -> set[str]:
    kinds = set[str]()
    for source in product():
        if source.place.startswith(PLACES):
            found = {kind for kind in _kinds_in(source.tree) if KIND.fullmatch(kind)}
            sweeps = source.place == "activities/_sweep_mends.py"
            kinds |= {f"sweep.{kind}" for kind in found} if sweeps else found
    ended = (Signal.INVOICE_VOIDED, Signal.INVOICE_UNCOLLECTIBLE)
    kinds |= {f"webhook.{signal}" for signal in ended}
    return kinds | {f"attempt_{state}" for state in SETTLED_STATES} | {f"access_{state}" for state in Access}


def test_every_kind_of_event_is_published_or_internal() -> None:
    """A new kind forces a decision, and what is no longer written is no longer decided upon."""
    assert not set(PUBLISHED) & INTERNAL
    assert _written() == set(PUBLISHED) | INTERNAL


def test_every_public_type_stands_in_the_document_with_an_example() -> None:
    """docs/integrations.md has a section for each type with a body that has the fields of the version, and no others."""
    sections = re.split(r"^### `([a-z_.]+)`$", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    shown = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert set(shown) == {type_.value for type_ in EventType}
    for name, section in shown.items():
        found = re.search(r"```json\n(.*?)```", section, flags=re.DOTALL)
        assert found is not None, name
        example = json.loads(found[1])
        assert example["type"] == name
        assert PublicEvent.model_validate(_event_of(example)).payload() == example


def _event_of(example: dict[str, Any]) -> dict[str, Any]:
    data = example["data"]
    kept = {name: data[name] for name in ("customer", "because", "facts", "case", "cases")}
    return kept | {"id": data["event"], "type": example["type"], "at": example["timestamp"]}


def _public(
    stage: Stage, kind: str, outcome: Outcome = Outcome.RECOVERED_BY_RETRY, **data: Any
) -> PublicEvent:
    case = stage.ledger.cases.get("in_1")
    assert case is not None
    row = EventRow(
        id=7, at=NOW, kind=kind, case_id="in_1", invoice="in_1", customer="cus_1", actor="ops",
        data={"because": "so", "outcome": outcome.value, **data}, unique_key=None,
    )  # fmt: skip
    public = publish(row, [case])
    assert public is not None
    return public


@pytest.mark.parametrize("kind", sorted(PUBLISHED))
def test_every_public_event_can_be_said_in_one_sentence(stage: Stage, kind: str) -> None:
    """Each has words for people, also where its data is bare."""
    stage.case()
    told = _words.sentence(_public(stage, kind))
    assert told.endswith(", because so.")
    assert "ACME-0001" in told


@pytest.mark.parametrize(
    ("outcome", "type_"),
    [
        (Outcome.RECOVERED_BY_CARD_UPDATE, EventType.RECOVERED),
        (Outcome.LOST_CANCELLED, EventType.LOST),
        (Outcome.CLOSED_VOIDED, EventType.CLOSED),
    ],
)
def test_a_case_ends_as_recovered_lost_or_closed(stage: Stage, outcome: Outcome, type_: EventType) -> None:
    """The type says which of the three it was, the outcome how."""
    stage.case()
    public = _public(stage, "case_closed", outcome)
    assert (public.type, public.facts) == (type_, {"outcome": outcome.value})


def test_only_what_is_named_leaves(stage: Stage) -> None:
    """A field that nobody chose stays inside, whatever a later version writes into an event."""
    stage.case()
    public = _public(
        stage, "attempt_paid", attempt=2, key="recoup/in_1/2", payment_intent="pi_1", email="a@example.com"
    )
    assert public.facts == {"attempt": 2}


def test_what_concerns_no_case_stays_inside(stage: Stage) -> None:
    """A new card of a customer without a case is nobody's business."""
    stage.ledger.events.append("webhook.card_changed", NOW, customer="cus_9", data={"because": "so"})
    (event,) = stage.ledger.events.since(0)
    assert is_public(event)
    assert publish(event, stage.ledger.cases.concerned("cus_9", NOW)) is None
