"""The inbox of trials: every mail of the outbox as a page. It shows all of them to everybody, so it is off by default."""

from __future__ import annotations

from typing import Any

from babel import Locale
from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, Response

from recoup.messages import Language, Outbox
from recoup.web.pages import Pages, csp, page

_OPEN_ELSEWHERE = '<base target="_blank">'
"""The frame is sandboxed, so that links of a mail open beside the page."""


def inbox_router(outbox: Outbox, pages: Pages, company: str) -> APIRouter:
    """The routes of the inbox."""
    router = APIRouter()
    english = Language("en", Locale("en"))

    def shown(name: str, **values: Any) -> HTMLResponse:
        # The frame with the mail inherits this policy, and mails are styled inline.
        policy = csp(inline_styles=True)
        return page(pages.html(name, english, {"company": company, "support": "", **values}), policy=policy)

    @router.get("/inbox")
    def inbox() -> Response:
        return shown("inbox", mails=outbox.list())

    @router.get("/inbox.json")
    def inbox_json() -> Response:
        return JSONResponse([mail.model_dump(mode="json") for mail in outbox.list()])

    @router.get("/inbox/{mail_id}")
    def inbox_mail(mail_id: str) -> Response:
        mail = outbox.get(mail_id)
        if mail is None:
            return JSONResponse({"error": "there is no such message"}, 404)
        html = outbox.html(mail_id)
        framed = _OPEN_ELSEWHERE + html if html else None
        return shown("inbox_mail", mail=mail, html=framed, text=outbox.text(mail_id))

    return router
