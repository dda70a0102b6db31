"""The product in one process and in virtual time: its workflows, activities and web app, without a Temporal server.

:class:`recoup.virtual.host.Host` carries the unchanged workflows, :func:`recoup.virtual.stripe.running_stripe` starts the Stripe
beside it. ``recoup chaos`` and ``recoup rehearse`` play on it; nothing here is imported by the product.
"""
