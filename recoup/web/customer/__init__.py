"""The customer's pages behind an update link: what is owed, the way to a new payment method, and the thanks."""

from recoup.web.customer._acts import Cases
from recoup.web.customer._history import History, history_of
from recoup.web.customer._language import accepted
from recoup.web.customer.pages import CustomerPages
from recoup.web.customer.routes import customer_router

__all__ = ["Cases", "CustomerPages", "History", "accepted", "customer_router", "history_of"]
