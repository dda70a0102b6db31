"""The one error of a world: a file that cannot be used."""

from __future__ import annotations


class WorldError(Exception):
    """A world file cannot be used; ``str(error)`` is one sentence: the file, the place in it, what is expected there."""
