"""The weekly digest: how the week went, as a mail to the operators."""

from __future__ import annotations

from recoup.digest.sending import Sent, send

__all__ = ["Sent", "send"]
