"""Webhooks: telling what happened as events, and delivering them, signed, to the endpoints that want them."""

from recoup.sandbox.webhooks.events import tell, tell_about, tell_change

__all__ = ["tell", "tell_about", "tell_change"]
