"""The models that were made: files named by what they hold, and one note of which of them was promoted.

The version is the day of the newest attempt and the first digits of the file's SHA-256, so that a file that was damaged or exchanged is
never taken for the model that a case began with.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from recoup.errors import ConfigurationError
from recoup.rules.base import Moment, Wire

if TYPE_CHECKING:
    from recoup.timing.model import LearnedStories, Model

# numpy is loaded with the first model, and in no process that uses none.
_KEPT = 4
"""So many models stay loaded: running cases hold on to older ones."""
_PROMOTED = "promoted.json"


class Promoted(Wire):
    """Which model decides where a policy asks for one."""

    version: str
    at: Moment


class NoModel(ConfigurationError):
    """A model is not there, or is not the one that its name says."""


@dataclass(frozen=True, slots=True)
class Learned:
    """A model that was loaded, ready to plan with."""

    version: str
    model: Model
    stories: LearnedStories


@dataclass
class Models:
    """The directory of models. Several processes may use it at once: files are written whole, or not at all."""

    directory: Path
    _loaded: OrderedDict[str, Learned] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def path(self, version: str) -> Path:
        """Where a model stands."""
        return self.directory / f"{version}.json"

    def keep(self, model: Model) -> str:
        """Write a model down and give its version; the same model is the same file."""
        from recoup.timing.model import as_text

        text = as_text(model)
        day = f"{model.card.ends:%Y%m%d}" if model.card.ends else "none"
        version = f"{day}-{_digest(text.encode())}"
        self._write(self.path(version), text)
        return version

    def promote(self, version: str, at: datetime) -> None:
        """From now on this model decides for cases that are planned for the first time."""
        self._write(self.directory / _PROMOTED, Promoted(version=version, at=at).model_dump_json() + "\n")

    def promoted(self) -> Promoted | None:
        """The model that was promoted last; ``None`` where none ever was."""
        try:
            text = (self.directory / _PROMOTED).read_text(encoding="utf-8")
            return Promoted.model_validate_json(text)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            where = self.directory / _PROMOTED
            raise NoModel(f"{where}: cannot be read ({error!r:.120}); remove it, or train anew") from None

    def get(self, version: str) -> Learned:
        """A model by its version, from memory where it was loaded before.

        Raises:
            NoModel: the file is missing, or does not hold what its name says; the sentence says which.
        """
        with self._lock:
            if (kept := self._loaded.get(version)) is None:
                kept = self._loaded[version] = self._read(version)
                while len(self._loaded) > _KEPT:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(version)
            return kept

    def _read(self, version: str) -> Learned:
        from recoup.timing.model import LearnedStories, load

        path = self.path(version)
        try:
            held = _digest(path.read_bytes())
        except OSError as error:
            raise NoModel(f"{path}: the model is not there ({error.strerror})") from None
        if held != version.rpartition("-")[2]:
            raise NoModel(f"{path}: it holds another model than {version}")
        model = load(path)
        return Learned(version, model, LearnedStories(model))

    def _write(self, path: Path, text: str) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", dir=self.directory, suffix=".new", delete=False
            ) as new:
                new.write(text)
            made = Path(new.name)
            made.chmod(0o644)
            made.replace(path)
        except OSError as error:
            raise ConfigurationError(
                f"{self.directory}: models cannot be written here ({error.strerror}); set timing.models to another directory"
            ) from None


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:12]
