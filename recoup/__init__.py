"""Recoup wins back failed subscription payments: one durable case for each failed invoice."""

__version__ = "0.1.0"
