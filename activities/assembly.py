"""Every activity, put together over the systems that the settings name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio.client import Client

from activities._notices import Notices
from activities._routes import Texting
from activities.access import Access
from activities.cases import Cases
from activities.digest import Digests
from activities.exclusions import Exclusions
from activities.late_cancel import LateCancels
from activities.learning import Learning
from activities.messages import Messages
from activities.mirror import CardMirror
from activities.pacing import Pace
from activities.payments import Payments
from activities.people import People
from activities.records import Records
from activities.refreshing import Refreshing
from activities.reminders import Reminders
from activities.sweep import Sweep
from activities.wishes import Wishes
from recoup.access import backend_from
from recoup.addressing import address_keys
from recoup.billing import stripe_client
from recoup.clock import clock_for
from recoup.learning.models import Models
from recoup.ledger import Ledger
from recoup.links import unsubscribe_links, update_link_signer
from recoup.messages import Composer, SmsComposer, sender_from
from recoup.policy.file import load_policy
from recoup.rules.case import Template
from recoup.rules.contact import TextMessages
from recoup.settings import Settings
from recoup.temporal.gateway import CaseGateway


def build_activities(settings: Settings, ledger: Ledger, client: Client) -> list[Callable[..., Any]]:
    """Every activity, over the systems that the settings name."""
    clock = clock_for(settings.clock_file)
    stripe = stripe_client(settings.stripe)
    composer = Composer(settings.mail.templates, settings.mail.default_locale)
    composer.check()
    policy = load_policy(settings.policy_file)
    models = Models(settings.timing.models, ledger)
    payments = Payments(client=stripe, ledger=ledger, clock=clock, policy=policy, models=models)
    messages = Messages(
        client=stripe,
        ledger=ledger,
        clock=clock,
        composer=composer,
        sender=sender_from(settings.mail, clock),
        mail=settings.mail,
        link_url=update_link_signer(settings),
        contact=policy.policy.contact,
        unsubscribe=unsubscribe_links(settings),
        address_keys=address_keys(settings),
        texting=_texting(settings, policy.policy.contact.sms),
    )
    access = Access(client=stripe, ledger=ledger, clock=clock, backend=backend_from(settings.access))
    late = LateCancels(client=stripe, ledger=ledger, clock=clock)
    people = People(ledger=ledger, clock=clock)
    records = Records(ledger=ledger, clock=clock)
    gateway = CaseGateway(client)
    pace = Pace(ledger, clock, settings.stripe.sweep_requests_per_second)
    mirror = CardMirror(stripe, ledger, clock, pace, timedelta(days=settings.cards.import_every_days))
    notices = Notices(messages, pace)
    reminders = Reminders(notices, policy.policy.expiring_cards)
    refreshing = Refreshing(notices, policy.policy.expiring_cards)
    sweep = Sweep(
        client=stripe,
        ledger=ledger,
        clock=clock,
        gateway=gateway,
        access=access,
        pace=pace,
        max_age=timedelta(days=settings.sweep.max_age_days),
        raced=policy.policy.raced_payments,
    )
    wishes = Wishes(stripe, ledger, clock, gateway, policy.policy.raced_payments)
    return [
        payments.take_up, payments.attempt, payments.settle, payments.look, payments.mark_paid, payments.write_off,
        payments.release, payments.adopt_method, payments.failed_renewals, messages.send, access.suspend, access.restore, records.close_case,
        access.restrict, late.cancel_at_last, people.stage, people.assign, people.move,
        records.cases_of_customer, records.note, Cases(gateway).tell, sweep.look, sweep.mend,
        wishes.note_promise, wishes.stop_cases, wishes.fulfil,
        mirror.import_page, mirror.catch_up, reminders.due, reminders.remind, refreshing.select, refreshing.work,
        Learning(models, clock).train, Exclusions(ledger, clock, gateway).exclude,
        Digests(settings, ledger, clock).send,
    ]  # fmt: skip


def _texting(settings: Settings, rules: TextMessages) -> Texting | None:
    """How text messages go out; nothing where the settings or the policy want none."""
    if settings.sms.kind == "none" or not rules.templates:
        return None
    # As with mail: boto3 takes long to import.
    from recoup.messages.sms import AwsSmsSender

    composer = SmsComposer(settings.mail.templates, settings.mail.default_locale)
    keep, most = settings.sms.keep_diacritics, settings.sms.max_parts
    composer.check_texts(map(Template, rules.templates), keep_diacritics=keep, most_parts=most)
    return Texting(composer, settings.sms, rules, AwsSmsSender(settings.sms))
