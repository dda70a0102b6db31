"""Phone numbers in the one form that networks agree on."""

from __future__ import annotations

import re

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_BETWEEN = re.compile(r"[ ().\-/\u00a0]")


def usable_number(text: str) -> str:
    """The number as E.164 has it, without what people write between its digits.

    :raises ValueError: not a number with its country's code. The message does not repeat it, so it may be logged.
    """
    number = _BETWEEN.sub("", text)
    if not _E164.fullmatch(number):
        raise ValueError("not a phone number with + and the code of its country")
    return number
