"""Checks of what reaches customers beside plain mail: bounces that are heard of, and text messages."""

from __future__ import annotations

from recoup.doctor._findings import Finding, mend, note, ok
from recoup.messages import SmsComposer
from recoup.policy.file import load_policy
from recoup.rules.case import Template
from recoup.settings import Settings


def bounces(settings: Settings) -> list[Finding]:
    """Somebody tells of mails that came back."""
    if settings.mail.kind != "ses":
        return []
    topics = settings.mail.ses.topics
    if not topics:
        return [note("bounces", "mail.ses.topics is empty: nobody tells of bounces and complaints")]
    try:
        from recoup.web import ses  # noqa: F401 - whether it can be imported is the question
    except ImportError:
        return [mend("bounces", "signatures of SNS cannot be checked: install recoup[ses]")]
    return [ok("bounces", f"{len(topics)} topic(s) are listened to")]


def texts(settings: Settings) -> list[Finding]:
    """Text messages can be written, and sent."""
    wanted = load_policy(settings.policy_file).policy.contact.sms.templates
    if settings.sms.kind == "none":
        because = "the policy names text messages, and sms.kind is none: none are sent"
        return [note("text messages", because)] if wanted else []
    if not wanted:
        return [note("text messages", "contact.sms.templates of the policy names none: none are sent")]
    from recoup.messages.sms import AwsSmsSender

    composer = SmsComposer(settings.mail.templates, settings.mail.default_locale)
    keep, most = settings.sms.keep_diacritics, settings.sms.max_parts
    composer.check_texts(map(Template, wanted), keep_diacritics=keep, most_parts=most)
    AwsSmsSender(settings.sms).check()
    return [ok("text messages", f"ready to send {', '.join(wanted)} as {settings.sms.origin}")]
