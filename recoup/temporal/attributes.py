"""The search attributes of a case, within the numbers that Temporal's SQL visibility stores allow (3 Int, 10 Keyword)."""

from __future__ import annotations

from typing import Any

from temporalio.common import SearchAttributeKey

CUSTOMER = SearchAttributeKey.for_keyword("RecoupCustomer")
INVOICE = SearchAttributeKey.for_keyword("RecoupInvoice")
SUBSCRIPTION = SearchAttributeKey.for_keyword("RecoupSubscription")
STAGE = SearchAttributeKey.for_keyword("RecoupStage")
DECLINE_CLASS = SearchAttributeKey.for_keyword("RecoupDeclineClass")
CURRENCY = SearchAttributeKey.for_keyword("RecoupCurrency")
CAMPAIGN = SearchAttributeKey.for_keyword("RecoupCampaign")
ATTEMPT = SearchAttributeKey.for_int("RecoupAttempt")
AMOUNT = SearchAttributeKey.for_int("RecoupAmount")
PRIORITY = SearchAttributeKey.for_int("RecoupPriority")
NEXT_ACTION = SearchAttributeKey.for_datetime("RecoupNextAction")

SEARCH_ATTRIBUTES: list[SearchAttributeKey[Any]] = [
    CUSTOMER,
    INVOICE,
    SUBSCRIPTION,
    STAGE,
    DECLINE_CLASS,
    CURRENCY,
    CAMPAIGN,
    ATTEMPT,
    AMOUNT,
    PRIORITY,
    NEXT_ACTION,
]
"""All of them, as a namespace must know them before a worker starts."""
