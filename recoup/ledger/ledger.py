"""The ledger: the one object through which everything is recorded and read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from recoup.ledger import _engine
from recoup.ledger._migrating import check_version, migrate
from recoup.ledger._store import Store
from recoup.ledger.access import AccessStates
from recoup.ledger.assignments import Assignments
from recoup.ledger.attempts import Attempts
from recoup.ledger.browsing import Browsing
from recoup.ledger.cases import Cases
from recoup.ledger.channels import Channels
from recoup.ledger.console import Console
from recoup.ledger.decisions import Decisions
from recoup.ledger.deliveries import Deliveries
from recoup.ledger.erasing import Erasures
from recoup.ledger.events import Events
from recoup.ledger.exclusions import Exclusions
from recoup.ledger.figures import ReadFigureRows
from recoup.ledger.figures_blocks import FigureBlocks
from recoup.ledger.history import History
from recoup.ledger.history_figures import HistoryRows
from recoup.ledger.invoices import Invoices
from recoup.ledger.links import Links
from recoup.ledger.messages import Messages
from recoup.ledger.mirror import Mirror
from recoup.ledger.past import Past
from recoup.ledger.people import People
from recoup.ledger.pruning import Pruning
from recoup.ledger.rates import Rates
from recoup.ledger.refreshes import Refreshes
from recoup.ledger.standing import Standings
from recoup.ledger.webhooks import Webhooks

T = TypeVar("T")


class Ledger:
    """The record of cases, attempts, messages and decisions, in SQLite or PostgreSQL.

    Every method of a group is one transaction and takes the moment it happens at; the ledger asks no clock. Methods raise
    :class:`recoup.errors.ConnectionFailed` when the database does not answer (the same call again is safe) and
    :class:`recoup.errors.ConfigurationError` when its tables are missing or of another version.
    One object serves all threads of a process.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.cases = Cases(store)
        self.attempts = Attempts(store)
        self.messages = Messages(store)
        self.decisions = Decisions(store)
        self.links = Links(store)
        self.events = Events(store)
        self.webhooks = Webhooks(store)
        self.access = AccessStates(store)
        self.invoices = Invoices(store)
        self.rates = Rates(store)
        self.mirror = Mirror(store)
        self.refreshes = Refreshes(store)
        self.deliveries = Deliveries(store)
        self.people = People(store)
        self.past = Past(store)
        self.channels = Channels(store)
        self.exclusions = Exclusions(store)
        self.assignments = Assignments(store)
        self.standing = Standings(store)
        self.browsing = Browsing(store)
        self.console = Console(store)
        self.figures = ReadFigureRows(store)
        self.figure_blocks = FigureBlocks(store)
        self.history = History(store)
        self.before_recoup = HistoryRows(store)
        self.erasures = Erasures(store)
        self.pruning = Pruning(store)

    @classmethod
    def connect(cls, url: str) -> Ledger:
        """Open the ledger at ``sqlite:///file`` or ``postgresql://user:password@host/database``.

        Raises :class:`recoup.errors.RecoupError` when the address makes no sense or nobody answers there. Whether the tables
        are there is looked at by the first use, or by :meth:`check`, so that :meth:`migrate` can make them.
        """
        parsed = _engine.parse(url)
        engine = _engine.connect(parsed)
        name = _engine.shown(parsed)
        return cls(Store(parsed, engine, lambda conn: check_version(conn, name)))

    @property
    def name(self) -> str:
        """Where the ledger is, without user and password; fit for logs and messages."""
        return self._store.name

    def as_one(self, work: Callable[[], T]) -> T:
        """Run ``work``, whose every write is made in one transaction: all of them, or none.

        It may be run again, and must do nothing but write and read here.
        """
        return self._store.write_as_one(work)

    def migrate(self) -> None:
        """Make or bring up to date the tables; does nothing where they are. Safe from several processes at once."""
        migrate(self._store.engine, self._store.url)

    def check(self) -> None:
        """Raise :class:`recoup.errors.RecoupError` unless the database answers and its tables are of this version."""
        self._store.read(lambda conn: check_version(conn, self.name))

    def close(self) -> None:
        """Give all connections back."""
        self._store.engine.dispose()
