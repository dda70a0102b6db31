"""Stripe's webhooks: let in, understood (:func:`route`), carried out (:class:`Dispatcher`)."""

from recoup.web.webhooks.dispatch import Dispatcher, Gateway
from recoup.web.webhooks.endpoint import Intake, intake_from, webhook_router
from recoup.web.webhooks.routing import ROUTES, route

__all__ = ["ROUTES", "Dispatcher", "Gateway", "Intake", "intake_from", "route", "webhook_router"]
