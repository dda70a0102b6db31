"""What customers do about messages, and by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from recoup.worlds import World, WorldError, read_world

WORLD = """
version: 1
name: test
cards: {other: {brand: visa}}
customers:
  ada:
    name: Ada Example
    email: ada@example.com
    subscriptions: [{product: Plan, amount: 100, currency: eur, renews_in: {hours: 1}}]
    behaviour:
      - {on: any, opens_after: {hours: 2}, does: nothing}
      - {on: any, nth: 3, opens_after: {hours: 5}, follows_link_after: {hours: 7}, does: pay_invoice, with: other}
      - {on: reminder, opens_after: {days: 1}, does: update_card, with: other}
      - {at: {days: 3}, does: cancel_subscription}
"""


def world() -> World:
    """A world with one customer."""
    return read_world(WORLD)


def test_a_reaction_answers_the_message_it_names() -> None:
    """`any` answers whichever message comes as its nth, a template only its own."""
    first = world().reactions("ada", ["payment_failed"])
    second = world().reactions("ada", ["payment_failed", "reminder"])
    third = world().reactions("ada", ["payment_failed", "reminder", "reminder"])
    assert [act.does for act in first] == ["nothing"]
    assert [act.does for act in second] == ["update_card"]
    assert [act.does for act in third] == ["pay_invoice"]


def test_no_reaction_comes_twice() -> None:
    """Over a long series of messages every reaction is given exactly once."""
    messages = ["payment_failed", *["reminder"] * 6]
    given = [act for count in range(len(messages) + 1) for act in world().reactions("ada", messages[:count])]
    assert len(given) == len(set(given)) == 3


def test_acts_are_timed_from_the_sending() -> None:
    """The link is followed when it says, or as soon as the message is opened."""
    opened = world().reactions("ada", ["reminder"])[-1]
    followed = world().reactions("ada", ["a", "b", "c"])[0]
    assert opened.acts_after is not None
    assert opened.acts_after.length == timedelta(days=1)
    assert followed.acts_after is not None
    assert followed.acts_after.length == timedelta(hours=7)


def test_own_acts_need_no_message() -> None:
    """What a customer does alone is listed apart, and is no reaction."""
    acts = world().own_acts("ada")
    assert [(act.does, act.at.length) for act in acts] == [("cancel_subscription", timedelta(days=3))]


def test_a_promise_says_for_how_long() -> None:
    """Only a promise has days, and it must have them."""
    promise = WORLD.replace("at: {days: 3}, does: cancel_subscription", "at: {days: 3}, does: promise_to_pay")
    wrong = WORLD.replace("does: cancel_subscription", "does: cancel_by_link, days: 3")
    for text in (promise, wrong):
        with pytest.raises(WorldError, match="promise_to_pay and days belong together"):
            read_world(text)
    (act,) = read_world(promise.replace("promise_to_pay", "promise_to_pay, days: 4")).own_acts("ada")
    assert act.days == 4
