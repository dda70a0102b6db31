"""What messages cost: where there is a price, to the hundredth of a cent, and nothing where there is none."""

from __future__ import annotations

from decimal import Decimal

from recoup import figures
from recoup.figures import NotEnough, Prices, Selection
from recoup.ledger import Ledger
from tests.figures.raw import raw
from tests.figures.scene import END


def test_messages_are_counted_at_their_price(played: tuple[Ledger, str]) -> None:
    """As many as went out, by channel; a price that is not set makes no cost of nought."""
    prices = Prices(currency="eur", email=Decimal("0.0001"), network_fee=Decimal("0.10"))
    made = figures.of(played[0], Selection(now=END), prices).costs
    with raw(played[1]) as sql:
        sent = sql.one(
            "SELECT count(*) FROM messages WHERE channel = 'email' AND state IN ('sent', 'unknown', 'returned')"
        )
    mail, sms = made.messages
    assert (mail.count, mail.cost) == (sent, sent * Decimal("0.0001"))
    assert sent > 0
    assert isinstance(sms.cost, NotEnough)
    assert made.fees_avoided.cost == made.fees_avoided.count * Decimal("0.10")
    assert made.currency == "eur"


def test_without_prices_there_is_no_cost(played: tuple[Ledger, str]) -> None:
    """The numbers stand there all the same."""
    made = figures.of(played[0], Selection(now=END)).costs
    assert all(isinstance(each.cost, NotEnough) for each in (*made.messages, made.fees_avoided))
    assert made.messages[0].count > 0
