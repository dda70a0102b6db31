"""Why somebody whom a provider sent is not let in."""

from __future__ import annotations

from enum import StrEnum


class Problem(StrEnum):
    """What the log-in page says; its sentences stand in the template."""

    AWAY = "away"
    """The provider does not answer, or not as a provider does."""
    DENIED = "denied"
    """The provider said no, or the person did."""
    STATE = "state"
    """This browser did not begin the log-in, or too long ago, or it was ended already."""
    ANSWER = "answer"
    """What the provider said does not hold."""
    ROLE = "role"
    """The provider knows the person, and nothing it says gives them a role here."""
    DISABLED = "disabled"
    """The account was disabled here."""
    OFTEN = "often"
    """Too many tries from one address."""


class Out(StrEnum):
    """Where somebody has logged out, as the log-in page says it."""

    HERE = "here"
    """Of the console alone: the session at the provider goes on, and can be ended."""
    THERE = "there"
    """At the provider, too."""


class Refused(Exception):
    """A log-in that does not happen."""

    def __init__(self, problem: Problem, because: str, name: str | None = None) -> None:
        """``because`` is for the log: no token, no code and nothing about a person; ``name`` is the account's, where it is known."""
        super().__init__(because)
        self.problem, self.name = problem, name
