"""How what is given to Temporal is written: as JSON, without saying of what is not there that it is not there.

A case tells its activities a few hundred bytes each time, and half as many would be ``"field":null``. What is left out is
only what the reader fills in by itself: ``None`` where the field's default is ``None``. A field that has to be told stands there
as ``null``, so that a worker of an earlier release reads it as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
)

Unsaid = dict[Any, Any]
"""What a record leaves out, as pydantic's ``exclude`` takes it: names and indices down to ``True``."""


class ShortJson(PydanticJSONPlainPayloadConverter):
    """Pydantic's JSON without the fields that are ``None`` and would be read as that anyhow."""

    def to_payload(self, value: Any) -> Payload | None:
        """One value as JSON."""
        unsaid = _unsaid(value) if isinstance(value, BaseModel) else None
        if not unsaid:
            return super().to_payload(value)
        data = value.__pydantic_serializer__.to_json(value, exclude=unsaid)
        return Payload(metadata={"encoding": self.encoding.encode()}, data=data)


class ShortPayloads(CompositePayloadConverter):
    """Temporal's own converters, with :class:`ShortJson` for JSON."""

    def __init__(self) -> None:
        """Nothing to choose."""
        own = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(
            *(ShortJson() if isinstance(each, JSONPlainPayloadConverter) else each for each in own)
        )


plain_converter = DataConverter(payload_converter_class=ShortPayloads)
"""The data converter of all of Recoup's processes, without encryption."""


def _unsaid(value: object) -> Unsaid:
    """What a value leaves out."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        silent = {name: True for name, each in value if each is None and fields[name].default is None}
        return silent | _below(value)
    if isinstance(value, dict):
        return _below(value.items())
    return _below(enumerate(value)) if isinstance(value, (list, tuple)) else {}


def _below(parts: Iterable[tuple[Any, Any]]) -> Unsaid:
    return {name: unsaid for name, each in parts if (unsaid := _unsaid(each))}
