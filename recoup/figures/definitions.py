"""What each figure means, printed with it. ``docs/figures.md`` has the formulas."""

from __future__ import annotations


def N_(text: str) -> str:  # noqa: N802 - the name by which gettext finds texts that are translated elsewhere
    """Mark a text for the catalogues; the page translates it."""
    return text


NOT_CAUSAL = N_(
    "Not a proof: whoever begins after a bad month sees a better one anyway (regression to the mean), and prices, plans, customers and "
    "the season change too. Only an experiment (`recoup experiments`) shows what Recoup itself brings."
)

DEFINITIONS: dict[str, str] = {
    "case": N_(
        "An invoice of a subscription whose payment failed, counted once, in the month of its first failure (UTC). Voided "
        "invoices and those that were never a case are in no rate; they are shown beside it."
    ),
    "recovery_rate": N_(
        "Recovered cases of all cases that failed in the time, open ones included. A case that was suspended first and "
        "paid later is not recovered but returned. By money: minor units, each currency alone."
    ),
    "within": N_("Recovered within so many days of the failure, of the cases that have had so many days."),
    "estimated": N_(
        "For all cases, young and open ones too: the cumulative incidence of recovery (Aalen and Johansen), with "
        "cancelled, suspended and written off as competing ends."
    ),
    "of_closed": N_(
        "Recovered of closed cases. Too high as long as cases are open, because recoveries come before losses; shown because "
        "others show it."
    ),
    "cash": N_("What was recovered in a month, whenever it failed."),
    "causes": N_(
        "The last thing done before the money came, one for each recovered case; first what a person did, then what the calendar "
        "did. It does not say what would have come anyway."
    ),
    "time_to_recover": N_(
        "Days from the failure to the recovery, of the recovered cases that have had 28 days."
    ),
    "involuntary_churn": N_(
        "Subscriptions that ended in the month for want of a payment (suspended by a case; payment_failed, as Stripe says; or "
        "with an unpaid invoice) of those that were paying when it began. Otherwise ended: voluntary, or of an unknown will."
    ),
    "before_after": NOT_CAUSAL,
    "lifetime_value": N_(
        "What a subscription pays within 12 and 24 months after its first recovery, less what was given back, and beside it what "
        "one without any failed payment pays that was active then and about as old. Nothing is extrapolated."
    ),
    "attempts": N_("Recoup's own attempts with a result, made in the time."),
    "declines": N_(
        "Refusals by the banks' code and brand, in the time; those of the first charge, of Stripe's retries and of customers' "
        "payments apart."
    ),
    "costs": N_(
        "Messages that went out in the time, and attempts that the guard of the card networks did not let through, at the prices set."
    ),
    "funnel": N_("Cases that came so far; each step counts among those of the known one before."),
}
