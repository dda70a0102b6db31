"""The forms of a page, as a browser without scripts sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin


@dataclass
class Form:
    """One form: where it goes and what it would send."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    """Inputs with the values they hold."""
    choices: dict[str, list[str]] = field(default_factory=dict)
    """Inputs of which one value is chosen, with all values there are."""
    buttons: dict[str, list[str]] = field(default_factory=dict)
    """Named buttons with their values; one of them is sent when it is pressed."""

    def filled(self, values: Mapping[str, str]) -> dict[str, str]:
        """What is sent when these inputs are filled in.

        Raises:
            LookupError: the form has no such input or button.
        """
        unknown = [name for name in values if name not in self.fields and name not in self.buttons]
        if unknown:
            raise LookupError(f"the form has no field {unknown[0]}")
        return {**self.fields, **values}


@dataclass
class Seen:
    """A page as it was read."""

    address: str
    forms: list[Form]
    links: list[str]

    def form_with(self, name: str, value: str | None = None) -> Form | None:
        """The first form that has an input of this name, with this value where one is given, or a button of this name."""
        for form in self.forms:
            if name in form.fields and value in (None, form.fields[name], *form.choices.get(name, ())):
                return form
            if name in form.buttons and (value is None or value in form.buttons[name]):
                return form
        return None


def read_page(address: str, html: str) -> Seen:
    """The forms and links of a page that came from ``address``."""
    reader = _Reader(address)
    reader.feed(html)
    return Seen(address, reader.forms, reader.links)


class _Reader(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "a" and said.get("href"):
            self.links.append(urljoin(self._address, said["href"]))
        elif tag == "form":
            self._open = Form(
                urljoin(self._address, said.get("action", "")), said.get("method", "get").lower()
            )
            self.forms.append(self._open)
        elif self._open is not None and said.get("name"):
            if tag == "button" or (tag == "input" and said.get("type") == "submit"):
                self._open.buttons.setdefault(said["name"], []).append(said.get("value", ""))
            elif tag in ("input", "select", "textarea"):
                if said.get("type") == "radio":
                    self._open.choices.setdefault(said["name"], []).append(said.get("value", ""))
                self._open.fields[said["name"]] = said.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
