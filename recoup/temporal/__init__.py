"""How Recoup uses Temporal: ids, search attributes, connection, and the gateway through which others reach the cases."""

from recoup.temporal.attributes import SEARCH_ATTRIBUTES
from recoup.temporal.ids import card_update_workflow_id, case_id, recovery_workflow_id

__all__ = ["SEARCH_ATTRIBUTES", "card_update_workflow_id", "case_id", "recovery_workflow_id"]
