"""The ids under which workflows run; they hold Stripe ids and nothing else."""

from __future__ import annotations


def case_id(invoice: str, return_number: int = 1) -> str:
    """The id of a case: the invoice's, with ``/r2`` and up for returns after a suspension."""
    return invoice if return_number == 1 else f"{invoice}/r{return_number}"


def return_number_of(case: str) -> int:
    """Which return a case is, by its id: 1 for an invoice's first case."""
    _, _, number = case.partition("/r")
    return int(number) if number else 1


def recovery_workflow_id(case: str) -> str:
    """The workflow id of a case, by its case id."""
    return f"recovery/{case}"


def wish_workflow_id(kind: str, subscription: str) -> str:
    """The workflow id of a customer's wish; a button that is pressed twice meets in it."""
    return f"wish/{kind}/{subscription}"


def card_update_workflow_id(customer: str, method: str) -> str:
    """The workflow id of a card update; events that tell the same update meet in it."""
    return f"card-update/{customer}/{method}"
