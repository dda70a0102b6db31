"""How what is given to Temporal is written."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, Field
from temporalio.contrib.pydantic import pydantic_data_converter

from recoup.rules.base import Wire
from recoup.temporal.payloads import plain_converter


class Inner(Wire):
    told: str | None
    quiet: str | None = None
    loud: str | None = "loud"


class Outer(Wire):
    one: Inner
    many: tuple[Inner | None, ...] = ()
    named: dict[str, Inner | None] = Field(default_factory=dict)
    count: int = 0
    quiet: Inner | None = None


SAID = Outer(
    one=Inner(told=None, loud=None),
    many=(Inner(told="a", quiet="b"), None, Inner(told="c")),
    named={"x": Inner(told="d"), "y": None},
)


def _written(value: Any) -> bytes:
    (payload,) = plain_converter.payload_converter.to_payloads([value])
    return payload.data


def test_what_the_reader_fills_in_by_itself_is_not_written() -> None:
    """``None`` is left out where it is the default, at every depth, and stands where it must be told or means something."""
    assert json.loads(_written(SAID)) == {
        "one": {"told": None, "loud": None},
        "many": [{"told": "a", "quiet": "b", "loud": "loud"}, None, {"told": "c", "loud": "loud"}],
        "named": {"x": {"told": "d", "loud": "loud"}, "y": None},
        "count": 0,
    }


def test_it_is_read_as_what_it_was_by_either_converter() -> None:
    """A worker of an earlier release, with pydantic's own converter, reads the same record, and the other way round."""
    for writer, reader in (
        (plain_converter, pydantic_data_converter),
        (pydantic_data_converter, plain_converter),
    ):
        written = writer.payload_converter.to_payloads([SAID])
        assert reader.payload_converter.from_payloads(written, [Outer]) == [SAID]


def test_other_values_are_written_as_ever() -> None:
    """Numbers, nothing at all, and records without anything to leave out."""

    class Full(BaseModel):
        at: int = 1

    assert [_written(each) for each in (3, None, {"a": None}, Full())] == [
        b"3",
        b"",
        b'{"a":null}',
        b'{"at":1}',
    ]
