"""Update links: signed, expiring, revocable, and telling nothing."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.errors import ConfigurationError
from recoup.ledger import Ledger, LinkRow
from recoup.links import PURPOSE, UpdateLinks, update_link_signer
from recoup.settings import Settings
from tests.web.doubles import NOW

OLD, NEW = "the older secret of two", "the newer secret of two"
LINKS = UpdateLinks([NEW], "https://pay.acme.example/")


def test_a_link_leads_back_to_its_row() -> None:
    """What was signed is read again: the id and the generation, under the public address."""
    address = LINKS.address("an-id", 3)
    assert address.startswith("https://pay.acme.example/u/")
    said = LINKS.read(address.rpartition("/")[2])
    assert said is not None
    assert (said.id, said.generation) == ("an-id", 3)


def test_the_token_holds_an_id_and_a_generation_and_nothing_else() -> None:
    """Decoded without the key, the token shows the row's random id and its generation alone."""
    payload = LINKS.token("an-id", 3).split(".")[0]
    assert base64.urlsafe_b64decode(payload + "==") == b'["an-id",3]'


def test_secrets_can_be_rolled() -> None:
    """The newest signs, the older ones are still accepted; one that was taken out is not."""
    before = UpdateLinks([OLD], "https://x.example").token("an-id", 1)
    both = UpdateLinks([OLD, NEW], "https://x.example")
    assert both.read(before) is not None
    assert LINKS.read(both.token("an-id", 1)) is not None, "the last secret signs"
    assert LINKS.read(before) is None


def test_another_purpose_of_the_same_secret_is_no_update_link() -> None:
    """A token signed with the same key for something else is refused."""
    from itsdangerous import URLSafeSerializer

    foreign = URLSafeSerializer(NEW, salt="something else").dumps(["an-id", 3])
    assert LINKS.read(str(foreign)) is None


@given(st.data())
def test_a_changed_token_is_refused(data: st.DataObject) -> None:
    """No single changed character leaves a token genuine."""
    token = LINKS.token("an-id", 3)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from([char for char in "AZaz09-_." if char != token[place]]))
    said = LINKS.read(token[:place] + letter + token[place + 1 :])
    assert said is None or said == LINKS.read(token), "the last character of base64 may have spare bits"


@given(st.text(max_size=400))
def test_any_text_is_answered(text: str) -> None:
    """Whatever stands in the address, there is an answer and no error."""
    assert LINKS.read(text) is None


@pytest.mark.parametrize(
    "value", [None, 7, "text", [], ["an-id"], ["an-id", "3"], ["an-id", 3, 4], {"id": "an-id"}]
)
def test_a_genuine_signature_over_another_shape_is_refused(value: object) -> None:
    """Only an id with a generation is a link."""
    assert LINKS.read(str(LINKS._serializer.dumps(value))) is None


def test_the_row_decides_by_the_given_clock(ledger: Ledger) -> None:
    """A link works until the row's moment, and no longer once it is revoked."""
    row = ledger.links.issue("cus_1", PURPOSE, NOW + timedelta(days=45), NOW)
    token = LINKS.token(row.id, row.generation)
    assert isinstance(LINKS.open(token, ledger, NOW + timedelta(days=44)), LinkRow)
    assert LINKS.open(token, ledger, NOW + timedelta(days=45)) == "expired"
    ledger.links.revoke(row.id, NOW)
    assert LINKS.open(token, ledger, NOW) == "revoked"


def test_a_row_that_is_not_meant_is_refused(ledger: Ledger) -> None:
    """An unknown row, another generation and another purpose are all unknown links."""
    row = ledger.links.issue("cus_1", PURPOSE, NOW + timedelta(days=45), NOW)
    other = ledger.links.issue("cus_1", "another", NOW + timedelta(days=45), NOW)
    for token in (
        LINKS.token("nobody", 1),
        LINKS.token(row.id, row.generation + 1),
        LINKS.token(other.id, other.generation),
    ):
        assert LINKS.open(token, ledger, NOW) == "unknown"


@pytest.mark.parametrize("secrets", [[], [""], ["short"], [NEW, "short"]])
def test_secrets_that_could_be_guessed_are_refused(secrets: list[str]) -> None:
    """No secret, or a short one among them, is one sentence that names the setting."""
    with pytest.raises(ConfigurationError, match="RECOUP_LINK_SECRETS"):
        UpdateLinks(secrets, "https://x.example")


def test_messages_get_addresses_that_the_pages_accept(settings: Settings) -> None:
    """What the worker signs with the settings, the starter reads with the same settings."""
    address = update_link_signer(settings)("an-id", 2)
    said = UpdateLinks(settings.link_secrets, settings.public_url).read(address.rpartition("/")[2])
    assert said is not None
    assert said.generation == 2
