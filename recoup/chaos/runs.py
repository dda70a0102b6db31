"""One run while it is under way: its faults that still wait, and all that an audit must know of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from recoup.chaos.faults import Fault
from recoup.chaos.plan import Planned, RunPlan
from recoup.ledger import Ledger


@dataclass
class _Waiting:
    planned: Planned
    nth: int
    left: int

    def strikes(self) -> bool:
        if self.nth > 1:
            self.nth -= 1
            return False
        self.left -= 1
        return True


@dataclass(frozen=True)
class Sent:
    """A request to collect that left the worker."""

    at: datetime
    invoice: str
    key: str
    read: str | None
    """What the last read of the invoice in the same try showed; None where there was none."""
    true: str
    """What Stripe's books showed at that moment, asked apart from the product."""
    owed: int
    """What the invoice still asked for, by the same books, in minor units."""
    method: str
    """The payment method that was to be charged."""
    disputed: bool
    """Whether the customer's dispute had been heard when the attempt began."""


@dataclass
class Run:
    """One run of a batch."""

    plan: RunPlan
    customer: str = ""
    invoices: set[str] = field(default_factory=set)
    subscriptions: tuple[str, ...] = ()
    hits: Counter[Fault] = field(default_factory=Counter)
    sent: list[Sent] = field(default_factory=list)
    raced: set[str] = field(default_factory=set)
    """Invoices that the customer paid at the very moment of our charge."""
    cancelled: set[str] = field(default_factory=set)
    """Invoices whose customer cancelled between our last read and our charge."""
    customer_paid: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    """How often each message really went out, by its key."""
    letters: dict[str, list[datetime]] = field(default_factory=dict)
    """When each went out, by what it says, links left out; a last notice that is said once more, because the first was unconfirmed, is left out too."""
    unconfirmed: set[str] = field(default_factory=set)
    """Keys of messages that went out and that nobody could confirm."""
    away_until: datetime | None = None
    """Until then no worker is there for this run."""
    starter_away_until: datetime | None = None
    post_late_until: datetime | None = None
    disputed: set[str] = field(default_factory=set)
    """Invoices whose case was open when the customer's dispute was heard."""
    trace: list[str] = field(default_factory=list)
    _waiting: dict[Fault, _Waiting] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for planned in self.plan.faults:
            self._waiting[planned.fault] = _Waiting(planned, planned.nth, planned.times)

    def strikes(self, fault: Fault) -> bool:
        """Whether this fault takes effect here and now; it counts once, however often in a row it strikes."""
        waiting = self._waiting.get(fault)
        if waiting is None or not waiting.strikes():
            return False
        if waiting.left <= 0:
            del self._waiting[fault]
        if not self.hits[fault]:
            self.hits[fault] = 1
        self.note(f"FAULT {fault}")
        return True

    def has(self, fault: Fault) -> bool:
        """Whether this fault still waits."""
        return fault in self._waiting

    def note(self, what: str, **more: Any) -> None:
        """A line for the trace."""
        said = " ".join(f"{name}={value}" for name, value in more.items())
        self.trace.append(f"{what} {said}".rstrip())


class Roster:
    """The runs of a batch, and to whose a customer, an invoice or a workflow belongs."""

    def __init__(self, plans: Sequence[RunPlan]) -> None:
        self._by_key = {plan.key: Run(plan) for plan in plans}
        self._by_customer: dict[str, Run] = {}
        self._by_invoice: dict[str, Run] = {}

    def __iter__(self) -> Iterator[Run]:
        return iter(self._by_key.values())

    def seeded(self, key: str, customer: str, subscriptions: Sequence[str]) -> None:
        """The sandbox has made this run's customer."""
        run = self._by_key[key]
        run.customer, run.subscriptions = customer, tuple(subscriptions)
        self._by_customer[customer] = run

    def failed(self, run: Run, invoice: str) -> bool:
        """An invoice of this run failed; whether that is the run's first failure."""
        first = not run.invoices
        run.invoices.add(invoice)
        self._by_invoice[invoice] = run
        return first

    def of_customer(self, customer: str | None) -> Run | None:
        """Whose customer this is."""
        return self._by_customer.get(customer or "")

    def of_workflow(self, workflow_id: str) -> Run | None:
        """Which run a workflow is about; None for a sweep, which is about all."""
        kind, _, rest = workflow_id.partition("/")
        name = rest.partition("/")[0]
        if kind == "recovery":
            return self._by_invoice.get(name)
        return self._by_customer.get(name) if kind == "card-update" else None


@dataclass(frozen=True)
class Played:
    """What a batch left behind, for the audit."""

    runs: list[Run]
    ledger: Ledger
    workflows: dict[str, str]
    """Workflows that did not end as they should, by id, and why."""
    books: list[dict[str, Any]]
    charges: list[dict[str, Any]]
