"""Mail addresses that can go into a header without doing harm."""

from __future__ import annotations

import re
from email.headerregistry import Address as HeaderAddress
from typing import Annotated

from pydantic import AfterValidator

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def usable_address(text: str) -> str:
    """The address in the form that goes on the wire: an international domain in its ASCII form.

    :raises ValueError: not a plain ``name@domain``. The message does not repeat the address, so it may be logged.
    """
    local, at, domain = text.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or len(local) > 64:
        raise ValueError("not a mail address of the form name@domain")
    try:
        wire = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("the domain of the mail address cannot be written in ASCII") from None
    if len(wire) > 253 or not all(_LABEL.fullmatch(label) for label in wire.split(".")):
        raise ValueError("the domain of the mail address is not valid")
    return f"{local}@{wire}"


def header_address(name: str, address: str) -> HeaderAddress:
    """The address with its display name, for a header.

    :raises ValueError: as :func:`usable_address`, or a line break in the name.
    """
    return HeaderAddress(display_name=name, addr_spec=usable_address(address))


Address = Annotated[str, AfterValidator(usable_address)]
"""A mail address, checked when it is read and kept in its ASCII form."""
