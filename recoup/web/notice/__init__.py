"""The in-app notice: what the company's own product shows its customer, as signed JSON that a front end may poll."""

from __future__ import annotations

from fastapi import APIRouter

from recoup.clock import Clock
from recoup.ledger import Ledger
from recoup.links import UpdateLinks
from recoup.settings import Settings
from recoup.web.notice.answering import Notices
from recoup.web.notice.proofs import notice_proofs
from recoup.web.notice.routes import PATH, notice_router
from recoup.web.notice.words import NoticeComposer


def notices_from(settings: Settings, ledger: Ledger, links: UpdateLinks, clock: Clock) -> APIRouter | None:
    """The routes of the notice; None where the settings want none.

    Raises:
        ConfigurationError: a secret that could be guessed, or an own template that cannot be used.
    """
    proofs = notice_proofs(settings)
    if proofs is None:
        return None
    composer = NoticeComposer(settings.mail.templates, settings.mail.default_locale)
    return notice_router(
        Notices(
            ledger, clock, proofs, links, composer, settings.mail, settings.notice, settings.public_url, PATH
        )
    )
