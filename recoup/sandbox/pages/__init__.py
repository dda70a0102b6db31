"""The pages that stand in for Stripe's: the billing portal, the hosted invoice, Checkout in setup mode, the bank's 3-D Secure.

They are plain forms and need no script, so that a browser and a simple HTTP client can both drive them; ``docs/sandbox-pages.md``
lists every form with its fields. The work is done by :mod:`recoup.sandbox.service`, as for the API.
"""

from __future__ import annotations

from starlette.routing import Route

from recoup.sandbox.pages import authentication, checkout, invoice, portal
from recoup.sandbox.pages._visit import endpoint, style
from recoup.sandbox.sandbox import Sandbox


def routes(sandbox: Sandbox) -> list[Route]:
    """The pages of a sandbox, to mount beside its API."""
    pages = {
        "/pages/portal/{token}": portal.visit,
        "/pages/checkout/{token}": checkout.visit,
        "/pages/invoice/{token}": invoice.visit,
        "/pages/3ds/{token}": authentication.visit,
    }
    return [
        Route("/pages/style.css", style, methods=["GET"]),
        Route("/pages/invoice/{token}/pdf", endpoint(sandbox, invoice.print_out), methods=["GET"]),
        *(Route(path, endpoint(sandbox, page), methods=["GET", "POST"]) for path, page in pages.items()),
    ]


__all__ = ["routes"]
