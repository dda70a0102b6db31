"""The route for bounces and complaints, of those who have SES tell them."""

from __future__ import annotations

from fastapi import APIRouter

from recoup.addressing import address_keys
from recoup.clock import Clock
from recoup.errors import ConfigurationError
from recoup.ledger import Ledger
from recoup.settings import Settings
from recoup.web.webhooks import Gateway


def returns_from(settings: Settings, ledger: Ledger, gateway: Gateway, clock: Clock) -> APIRouter | None:
    """The route; None where no topic of SNS is set.

    Raises:
        ConfigurationError: a topic is set, and what checks its signatures is not installed.
    """
    if not settings.mail.ses.topics:
        return None
    try:
        from recoup.web import ses
    except ImportError:
        raise ConfigurationError(
            "mail.ses.topics is set, and signatures of SNS cannot be checked: install recoup[ses]"
        ) from None
    returns = ses.Returns(ledger, gateway, address_keys(settings), clock)
    return ses.ses_router(ses.ses_intake(settings, clock, ses.fetch_from_aws), returns)
