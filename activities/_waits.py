"""How long an attempt waits for what, and how much it may ask."""

from __future__ import annotations

from datetime import timedelta

KEY_LIFETIME = timedelta(hours=20)
"""Stripe keeps idempotency keys for 24 hours (docs.stripe.com/api/idempotent_requests); a key is sent again well before."""

QUIET = timedelta(minutes=10)
"""An attempt of which nothing can be seen this long after it was sent has not been executed."""

DEBIT_CHECK = timedelta(hours=12)
"""How often a pending bank debit is looked at; its webhook usually tells first."""

QUICK_TRIES = 4
"""So many tries of one activity follow each other quickly; after them the case itself waits and settles."""

MOST_CALLS = 16
"""The longest way through one attempt, in Stripe calls; with their own retries they stay below the activity's time."""
