"""A Stripe on this machine: the part of Stripe's API that payment recovery meets, answered from one SQLite file.

It is a process of its own (``python -m recoup.sandbox``), bound to 127.0.0.1, and the unchanged ``stripe`` SDK speaks to it over
HTTP in API version :data:`API_VERSION`. Issuers answer as Stripe's test cards do, or as a *world* file says; subscriptions renew on
a virtual clock that a driver moves; webhooks are signed and retried. ``docs/sandbox.md`` is its handbook.
"""

from __future__ import annotations

API_VERSION = "2026-10-28.endive"

__all__ = ["API_VERSION"]
