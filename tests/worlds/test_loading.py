"""Reading world files, and the sentence that each mistake gets."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from recoup.worlds import PaymentRequest, World, WorldError, load_world, read_world

HEAD = "version: 1\nname: test\n"
SUBSCRIPTION = "{product: Plan, amount: 100, currency: eur, renews_in: {days: 1}}"
ADA = f"{{name: Ada, email: ada@example.com, subscriptions: [{SUBSCRIPTION}]"


def customer(more: str = "") -> str:
    """A world whose only customer has this too."""
    return f"{HEAD}cards: {{blue: {{brand: visa}}}}\ncustomers:\n  ada: {ADA}{more}}}\n"


def card(inside: str) -> str:
    """A world whose only card is this one."""
    return f"{HEAD}cards:\n  blue: {{{inside}}}\ncustomers: {{}}\n"


def behaviour(act: str) -> str:
    """A world whose only customer acts so."""
    return customer(f", behaviour: [{act}]")


MISTAKES = {
    "unknown key at the top": (HEAD + "customers: {}\ncardz: {}\n", "w.yaml, line 4: cardz: unknown key 'cardz'; did you mean 'cards'?"),
    "unknown key deep inside": (
        card("brand: visa, issuer: [{declines: {decline_code: lost_card, advise_code: x}}]"),
        "cards.blue.issuer[0].declines.advise_code: unknown key 'advise_code'; did you mean 'advice_code'?",
    ),
    "unknown key in a union": (card("brand: visa, saving: {declin_code: a}"), "cards.blue.saving.declin_code: unknown key 'declin_code'; did you mean 'decline_code'?"),
    "unknown key of a reaction": (
        behaviour("{on: any, open_after: {days: 1}, does: nothing}"),
        "customers.ada.behaviour[0].open_after: unknown key 'open_after'; did you mean 'opens_after'?",
    ),
    "unknown key like no other": (card("brand: visa, zzz: 1"), "cards.blue.zzz: unknown key 'zzz'; known are "),
    "key written twice": (HEAD + "name: again\ncustomers: {}\n", "w.yaml, line 3: the key 'name' stands there twice"),
    "key that is no text": (HEAD + "customers: {1: {}}\n", "w.yaml, line 3: the key '1' is not text; put it in quotes"),
    "key of the wrong form": (HEAD + "cards: {Blue: {brand: visa}}\ncustomers: {}\n", "cards.Blue: a key is small letters"),
    "missing key": (HEAD, "w.yaml: the key 'customers' is missing (The customers, each under its key)"),
    "missing key inside": (HEAD + "customers: {ada: {name: Ada}}\n", "customers.ada: the key 'email' is missing"),
    "another version": ("version: 2\nname: x\ncustomers: {}\n", "w.yaml, line 1: version: expected 1, got 2"),
    "number for text": (
        card("brand: visa, issuer: [{declines: {decline_code: x, network_decline_code: 51}}]"),
        "network_decline_code: expected text, got 51; put it in quotes",
    ),
    "text for number": (HEAD + "seed: many\ncustomers: {}\n", 'seed: expected a valid integer, got "many"'),
    "wrong form": (
        customer().replace("currency: eur", "currency: EUR"),
        'customers.ada.subscriptions[0].currency: "EUR" does not fit (The currency, three small letters)',
    ),
    "wrong choice": (behaviour("{on: any, opens_after: {days: 1}, does: dance}"), "behaviour[0].does: expected 'update_card'"),
    "amount of nothing": (customer().replace("amount: 100", "amount: 0"), "amount: expected greater than 0, got 0"),
    "amount in fractions": (customer().replace("amount: 100", "amount: 9.5"), "amount: expected a valid integer"),
    "time zone": (customer(", timezone: Europe/Warszawa"), "'Europe/Warszawa' is no IANA time zone"),
    "empty duration": (customer().replace("{days: 1}", "{}"), "renews_in: a duration needs at least one of"),
    "endless duration": (customer().replace("days: 1", "days: .inf"), "renews_in.days"),
    "start without an offset": (HEAD + "start: 2026-11-22T09:00:00\ncustomers: {}\n", "start: the moment needs an offset"),
    "start that is nothing": (HEAD + "start: tomorrow\ncustomers: {}\n", "start: expected 'now'"),
    "check digit": (card('brand: visa, number: "4242424242424241"'), "cards.blue: the number's last digit should be 2"),
    "number of another brand": (card('brand: visa, number: "5555555555554444"'), "the number of a visa card starts with 4"),
    "two answers": (card("brand: visa, issuer: [{approves: true, needs_authentication: true}]"), "exactly one of declines, approves"),
    "no answer": (card("brand: visa, issuer: [{for_attempts: 2}]"), "cards.blue.issuer[0]: a phase has exactly one of"),
    "two ends": (card("brand: visa, issuer: [{approves: true, for_attempts: 2, always: true}]"), "a phase has at most one end"),
    "phase never reached": (card("brand: visa, issuer: [{approves: true}, {approves: true}]"), "phase 0 never ends"),
    "chance without refusal": (card("brand: visa, issuer: [{approves: true, succeeds_with_probability: 0.5}]"), "stands beside declines"),
    "haste without chance": (
        card("brand: visa, issuer: [{declines: {decline_code: x}, too_soon: {within: {hours: 1}, loses: 0.5}}]"),
        "cards.blue.issuer[0]: too_soon stands beside succeeds_with_probability",
    ),
    "haste that wins": (
        card("brand: visa, issuer: [{declines: {decline_code: x}, succeeds_with_probability: 0.5, too_soon: {within: {hours: 1}, loses: -1}}]"),
        "cards.blue.issuer[0].too_soon.loses: expected greater than 0, got -1",
    ),
    "end by authentication alone": (card("brand: visa, issuer: [{approves: true, until_authenticated: true}]"), "stands beside needs_authentication"),
    "authenticated debit": (HEAD + "debits: {a: {issuer: [{needs_authentication: true}]}}\ncustomers: {}\n", "a direct debit has no needs_authentication"),
    "card that is not there": (customer(", pays_with: blu"), "customers.ada.pays_with: no card or debit is called 'blu'; did you mean 'blue'?"),
    "card of a subscription": (
        customer().replace("renews_in", "pays_with: green, renews_in"),
        "customers.ada.subscriptions[0].pays_with: no card or debit is called 'green'",
    ),
    "card of an act": (behaviour("{on: any, opens_after: {days: 1}, does: update_card, with: bleu}"), "behaviour[0].with: no card is called 'bleu'; did you mean 'blue'?"),
    "act without its card": (behaviour("{at: {days: 1}, does: update_card}"), "update_card needs with: the key of the new card"),
    "act with a useless card": (behaviour("{at: {days: 1}, does: cancel_subscription, with: blue}"), "cancel_subscription takes no with"),
    "act with no card": (behaviour("{at: {days: 1}, does: update_card, with: blik}"), "update_card needs a card, not blik"),
    "act that never happens": (behaviour("{on: any, does: authenticate}"), "authenticate needs opens_after or follows_link_after"),
    "link before opening": (
        behaviour("{on: any, opens_after: {days: 2}, follows_link_after: {days: 1}, does: authenticate}"),
        "cannot be shorter than opens_after",
    ),
    "one key for two": (HEAD + "cards: {a: {brand: visa}}\ndebits: {a: {}}\ncustomers: {}\n", "a is the key of a card and of a debit"),
    "one number for two": (
        HEAD + 'cards: {a: {brand: visa, number: "4242424242424242"}, b: {brand: visa, number: "4242424242424242"}}\ncustomers: {}\n',
        "the cards a and b both have 4242424242424242",
    ),
    "no YAML": (HEAD + "cards: [", "w.yaml, line 3: "),
    "no mapping": ("- 1\n", "w.yaml: expected keys and values at the top"),
    "nothing": ("", "w.yaml: expected keys and values at the top"),
    "code in the file": ("!!python/object/apply:os.getcwd []\n", "w.yaml, line 1: could not determine a constructor"),
    "nested without end": ("a: " + "[" * 3000, "w.yaml"),
    "aliases that explode": (
        "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
        "w.yaml: its aliases (*) repeat more than a world can hold",
    ),
    "alias of itself": ("a: &a [*a]\n", "w.yaml: its aliases (*) repeat more"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_gets_its_sentence(mistake: str) -> None:
    """A wrong world raises one line that names the file, the place and what is expected there."""
    text, expected = MISTAKES[mistake]
    with pytest.raises(WorldError) as caught:
        read_world(text, "w.yaml")
    assert expected in str(caught.value)
    assert str(caught.value).startswith("w.yaml")
    assert "\n" not in str(caught.value)


def test_the_line_is_that_of_the_place() -> None:
    """The line in the sentence is where the wrong value stands, in a list too."""
    text = (
        HEAD
        + "cards:\n  blue:\n    brand: visa\n    issuer:\n      - approves: true\n        for_attempts: 0\ncustomers: {}\n"
    )
    with pytest.raises(WorldError, match=r"w\.yaml, line 8: cards\.blue\.issuer\[0\]\.for_attempts"):
        read_world(text, "w.yaml")


def test_files_that_cannot_be_read_say_so(tmp_path: Path) -> None:
    """No file, a folder, and bytes that are no text each have their sentence."""
    (tmp_path / "bytes.yaml").write_bytes(b"name: \xff\xfe")
    for name, expected in (
        ("none.yaml", "no such world file"),
        ("", "a folder"),
        ("bytes.yaml", "not UTF-8 text"),
    ):
        with pytest.raises(WorldError, match=expected):
            load_world(tmp_path / name)


def test_plain_words_stay_words() -> None:
    """`on` and `NO` are text, not truth values, and a time is not a number."""
    world = read_world(
        HEAD
        + "start: {weekday: monday, time: 10:30}\ncustomers:\n  ada: "
        + ADA
        + ", country: NO, behaviour: [{on: any, opens_after: {days: 1}, does: nothing}]}\n"
    )
    assert world.customers["ada"].country == "NO"
    assert world.reactions("ada", ["x"])[0].on == "any"


def test_a_world_starts_when_it_says() -> None:
    """Now, at a moment, or the next such weekday and hour in its own time zone, today's still to come included."""
    sunday = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert _starting("now").starts_at(sunday) == sunday
    assert _starting("2026-12-01T09:00:00+01:00").starts_at(sunday) == datetime(2026, 12, 1, 8, tzinfo=UTC)
    tuesday = _starting("{weekday: tuesday, time: 09:00, timezone: Europe/Warsaw}")
    assert tuesday.starts_at(sunday) == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert tuesday.starts_at(datetime(2026, 11, 24, 8, tzinfo=UTC)) == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert tuesday.starts_at(datetime(2026, 11, 24, 9, tzinfo=UTC)) == datetime(2026, 12, 1, 8, tzinfo=UTC)


def test_cards_are_found_by_their_number() -> None:
    """The number that somebody types finds its card, with or without spaces."""
    world = read_world(card('brand: visa, number: "4000000000000341"'))
    assert world.card_with_number("4000 0000 0000 0341") == "blue"
    assert world.card_with_number("4242424242424242") is None


def test_the_world_answers_for_its_methods() -> None:
    """A world asks its own issuers by key, and knows no others."""
    world = read_world(card("brand: visa, issuer: [{declines: {decline_code: lost_card}}]"))
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert world.issuer_answer("blue", PaymentRequest(1, "eur"), [], now).decline_code == "lost_card"
    with pytest.raises(KeyError):
        world.issuer_answer("green", PaymentRequest(1, "eur"), [], now)


def _starting(start: str) -> World:
    return read_world(f"{HEAD}start: {start}\ncustomers: {{}}\n")
