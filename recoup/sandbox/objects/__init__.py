"""The shapes of Stripe's objects in API version 2026-10-28.endive, with every required field.

Source: the types of the ``stripe`` SDK 16.1 and Stripe's OpenAPI description.
"""
