"""Saving a payment method with the customer present: SetupIntents, 3-D Secure included."""

from __future__ import annotations

from recoup.sandbox.http.errors import Doc, StripeError, invalid_request
from recoup.sandbox.ids import new_id, random_text
from recoup.sandbox.objects.payments import payment_error
from recoup.sandbox.service.methods import attach_approved, card_error
from recoup.sandbox.webhooks import tell
from recoup.sandbox.work import Work, public
from recoup.worlds.issuer import IssuerAnswer


def create_setup_intent(
    work: Work, customer: str | None, usage: str = "off_session", **fields: object
) -> Doc:
    """A SetupIntent that waits for a payment method; tells ``setup_intent.created``."""
    id_ = new_id("setup_intent")
    blank: Doc = {
        "application": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "cancellation_reason": None,
        "client_secret": f"{id_}_secret_{random_text(24)}",
        "customer": customer,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card", "sepa_debit"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": usage,
    }
    intent = work.create("setup_intent", id=id_, **(blank | fields))
    tell(work, "setup_intent.created", intent)
    return intent


def confirm_setup(work: Work, intent: Doc, method: Doc) -> StripeError | None:
    """Save the method: ``succeeded``, or ``requires_action`` with a 3-D Secure address; a refusal is returned as its error."""
    if intent["status"] in ("succeeded", "canceled"):
        text = f"You cannot confirm this SetupIntent because it has a status of {intent['status']}."
        raise invalid_request(text, code="setup_intent_unexpected_state")
    intent.update(payment_method=method["id"], last_setup_error=None, next_action=None, _method=method["id"])
    answer = work.issuer.saving(method, authenticated=False)
    if answer.outcome == "declined":
        return _refused(work, intent, method, answer)
    if answer.outcome == "authentication_required":
        token = random_text(40)
        redirect = {"return_url": None, "url": f"{work.base_url}/pages/3ds/{token}"}
        intent.update(status="requires_action", _token=token)
        intent["next_action"] = {"redirect_to_url": redirect, "type": "redirect_to_url"}
        tell(work, "setup_intent.requires_action", intent)
        return None
    _succeeded(work, intent, method)
    return None


def finish_setup_authentication(work: Work, intent: Doc, *, passed: bool) -> StripeError | None:
    """The 3-D Secure step of a SetupIntent is done; a failure is returned as its error."""
    if intent["status"] != "requires_action":
        raise invalid_request("This SetupIntent no longer waits for authentication.")
    method = work.get("payment_method", intent["_method"])
    intent.update(next_action=None, _token=None)
    if not passed:
        answer = IssuerAnswer("declined", code="setup_intent_authentication_failure")
        return _refused(work, intent, method, answer)
    answer = work.issuer.saving(method, authenticated=True)
    if answer.outcome == "declined":
        return _refused(work, intent, method, answer)
    method["_set_up"] = True
    _succeeded(work, intent, method)
    return None


def _succeeded(work: Work, intent: Doc, method: Doc) -> None:
    intent.update(status="succeeded", payment_method=method["id"])
    if intent["customer"] is not None and method["customer"] is None:
        attach_approved(work, method, work.get("customer", intent["customer"]))
    tell(work, "setup_intent.succeeded", intent)


def _refused(work: Work, intent: Doc, method: Doc, answer: IssuerAnswer) -> StripeError:
    error = card_error(answer, method)
    intent.update(status="requires_payment_method", payment_method=None)
    intent["last_setup_error"] = payment_error(error.error, public(method))
    tell(work, "setup_intent.setup_failed", intent)
    error.error["setup_intent"] = public(intent)
    return error
