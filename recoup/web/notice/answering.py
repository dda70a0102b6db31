"""The answers: the notice as JSON, and the way from its button to the customer's page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from recoup.clock import Clock
from recoup.errors import ConfigurationError
from recoup.ledger import Ledger
from recoup.links import PURPOSE, UpdateLinks
from recoup.messages import Language, MailSettings
from recoup.rules.money import Money
from recoup.settings import NoticeSettings
from recoup.web.customer import accepted
from recoup.web.notice.proofs import Proofs, digest
from recoup.web.notice.reading import Open, Standing, standing_of
from recoup.web.notice.words import NoticeComposer

VERSION = 1
"""Of the JSON. Fields may be added within a version; nothing is renamed or removed."""
SIGNATURE = "Recoup-Signature"
LINK_VALID = timedelta(days=7)
"""A link that a click asks for works for so long at least; one that messages carry keeps its own time."""
_LATELY = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and the secret that their proof was made with."""

    customer: str
    secret: bytes
    query: str
    """What proves it, as it stands in addresses."""


@dataclass(frozen=True, slots=True)
class Notices:
    """Everything that notices are made from."""

    ledger: Ledger
    clock: Clock
    proofs: Proofs
    links: UpdateLinks
    composer: NoticeComposer
    mail: MailSettings
    settings: NoticeSettings
    public_url: str
    path: str

    def asker(self, customer: str, until: str, proof: str) -> Asker | None:
        """Whoever has a proof that holds now."""
        secret = self.proofs.secret_of(customer, until, proof, self.clock.now())
        query = urlencode({"until": until, "proof": proof})
        return Asker(customer, secret, query) if secret is not None else None

    def answer(self, request: Request, asker: Asker) -> Response:
        """The notice, or "as before" to whoever has it already."""
        body = json.dumps(self._notice(request, asker), separators=(",", ":"), ensure_ascii=False).encode()
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = self._headers(request) | {"ETag": tag}
        if tag in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=headers)
        headers[SIGNATURE] = f"sha256={digest(asker.secret, body)}"
        return Response(body, headers=headers, media_type="application/json")

    def refuse(self, request: Request, status: int, error: str) -> Response:
        """One sentence, as JSON."""
        headers = self._headers(request) | {"Cache-Control": "no-store"}
        return Response(json.dumps({"error": error}), status, headers, "application/json")

    def lead_on(self, asker: Asker) -> Response:
        """From the button to the customer's page."""
        now = self.clock.now()
        link = self.ledger.links.issue(asker.customer, PURPOSE, now + LINK_VALID, now)
        return RedirectResponse(self.links.address(link.id, link.generation), 303)

    def _notice(self, request: Request, asker: Asker) -> Mapping[str, Any]:
        now = self.clock.now()
        standing = standing_of(self.ledger, asker.customer, now)
        language = self._language(request, asker.customer)
        try:
            words = self.composer.words(standing, language, self.mail.default_timezone)
        except ValueError as error:
            raise ConfigurationError(f"The notice cannot be written: {error}") from error
        address = f"{self.public_url.rstrip('/')}{self.path}/{asker.customer}/open?{asker.query}"
        return {
            "version": VERSION,
            "customer": asker.customer,
            "level": standing.level.value,
            "language": language.tag,
            "title": words.title,
            "text": words.text,
            "action": words.action,
            "url": address if standing.open else None,
            "suspend_at": standing.suspend_at.isoformat() if standing.suspend_at else None,
            "totals": [_money(each) for each in standing.totals],
            "open": [_shown(each) for each in _sorted(standing)],
        }

    def _language(self, request: Request, customer: str) -> Language:
        """What the front end asks for, then the language of the newest message, then the browser's."""
        told = self.ledger.messages.of_customer(customer, self.clock.now() - _LATELY)
        asked = request.query_params.get("language", "")[:35]
        wanted = [
            asked,
            *(row.locale for row in told[-1:]),
            *accepted(request.headers.get("accept-language")),
        ]
        return self.composer.languages.choose([each for each in wanted if each], self.mail.default_locale)

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {
            "Cache-Control": f"private, max-age={self.settings.max_age_seconds}",
            "Vary": "Origin, Accept-Language",
        }
        if (origin := request.headers.get("origin")) in self.settings.origins:
            headers |= {
                "Access-Control-Allow-Origin": str(origin),
                "Access-Control-Expose-Headers": f"ETag, {SIGNATURE}",
            }
        return headers


def _money(money: Money) -> dict[str, Any]:
    return {"amount": money.amount, "currency": money.currency}


def _sorted(standing: Standing) -> list[Open]:
    return sorted(standing.open, key=lambda each: (-each.level.rank, each.invoice))


def _shown(each: Open) -> dict[str, Any]:
    return {
        "invoice": each.invoice,
        "number": each.number,
        "subscription": each.subscription,
        **_money(each.due),
        "level": each.level.value,
        "suspend_at": each.suspend_at.isoformat() if each.suspend_at else None,
    }
