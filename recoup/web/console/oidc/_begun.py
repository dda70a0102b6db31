"""A log-in under way."""

from __future__ import annotations

from dataclasses import dataclass

LOGGED_OUT = "logged-out"
"""What a browser brings back from a log-out in place of a log-in's state; nobody is let in by it."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What the browser that began it has to bring back; nobody can guess any of it."""

    state: str
    """Goes to the provider and back: this answer is for this browser."""
    nonce: str
    """Stands in the ID token: it is for this log-in."""
    verifier: str
    """Shown with the code, of which the provider knows the hash: this code was given for this log-in."""
