"""The models that were made: files named by what they hold, and the ledger, which says which of them decides.

The version is the day of the newest attempt and the first digits of the file's SHA-256, so that a file that was damaged or exchanged is
never taken for the model that a case began with. A promoted model stands in the ledger too: a worker that does not find its file, on another
machine or after its disk was lost, takes it from there and writes it anew.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from recoup.errors import ConfigurationError
from recoup.ledger import Ledger
from recoup.rules.base import Moment, Wire

if TYPE_CHECKING:
    from recoup.timing.model import LearnedStories, Model

# numpy is loaded with the first model, and in no process that uses none.
_KEPT = 4
"""So many models stay loaded: running cases hold on to older ones."""

PROMOTED = "model_promoted"
REFUSED = "model_refused"
WITHDRAWN = "model_withdrawn"


class Promoted(Wire):
    """Which model decides where a policy asks for one."""

    version: str
    at: Moment
    """Since when."""


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
    """The directory of models, and what the ledger says of them. Several processes may use it at once: files are written whole, or not at all."""

    directory: Path
    ledger: Ledger
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

    def promoted(self) -> Promoted | None:
        """The model that decides for cases that are planned first now; ``None``: the prior."""
        told = self.ledger.past.newest_event(PROMOTED, REFUSED, WITHDRAWN)
        said = told.data["standing"] if told is not None else None
        return Promoted.model_validate(said) if said else None

    def withdrawn(self, version: str) -> str | None:
        """Why an operator took this model back from every case; ``None`` where nobody did."""
        told = self.ledger.events.named(f"{WITHDRAWN}/{version}")
        return str(told.data["because"]) if told is not None else None

    def withdraw(self, operator: str, because: str, at: datetime) -> str | None:
        """Take the promoted model back: the prior decides, in running cases too. Its version; ``None`` where none is promoted."""
        promoted = self.promoted()
        if promoted is None:
            return None
        data = {"version": promoted.version, "because": because, "standing": None}
        self.ledger.events.append(
            "model_withdrawn", at, actor=operator, data=data, unique=f"{WITHDRAWN}/{promoted.version}"
        )
        return promoted.version

    def get(self, version: str) -> Learned:
        """A model by its version, from memory where it was loaded before.

        Raises:
            NoModel: neither the directory nor the ledger has it; the sentence says what is wrong with the file.
            ConfigurationError: it is of another release.
        """
        with self._lock:
            if (kept := self._loaded.get(version)) is None:
                kept = self._loaded[version] = self._read(version)
                while len(self._loaded) > _KEPT:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(version)
            return kept

    def _read(self, version: str) -> Learned:
        from recoup.timing.model import LearnedStories, read

        path, digest = self.path(version), version.rpartition("-")[2]
        try:
            held = path.read_bytes()
            trouble = f"it holds another model than {version}"
        except OSError as error:
            held, trouble = b"", f"the model is not there ({error.strerror})"
        if _digest(held) != digest:
            told = self.ledger.events.named(f"{PROMOTED}/{version}")
            held = str(told.data.get("model", "")).encode() if told is not None else b""
            if _digest(held) != digest:
                raise NoModel(f"{path}: {trouble}")
            with suppress(ConfigurationError):  # It can be used without its file too.
                self._write(path, held.decode())
        model = read(held.decode(), str(path))
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
