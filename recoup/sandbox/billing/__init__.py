"""Billing: subscriptions renew, invoices are made and collected, failures retried, endings carried out."""
