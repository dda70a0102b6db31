"""The customer's pages behind an update link: what is owed, the way to a new payment method, and the thanks."""

from recoup.web.customer.routes import CustomerPages, customer_router

__all__ = ["CustomerPages", "customer_router"]
