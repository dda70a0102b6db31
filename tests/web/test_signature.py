"""The signature of webhooks."""

from __future__ import annotations

from datetime import timedelta

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from recoup.web.webhooks.signature import BadSignature, check_signature, sign
from tests.web.doubles import NOW

BODY = b'{"id": "evt_1"}'
TOLERANCE = timedelta(minutes=5)


def accept(header: str | None, body: bytes = BODY, secrets: tuple[str, ...] = ("whsec_1",)) -> None:
    check_signature(body, header, secrets, NOW, TOLERANCE)


def test_the_sdk_signs_what_is_accepted() -> None:
    """A header made by Stripe's own SDK is accepted."""
    header = stripe.WebhookSignature.generate_signature_header(
        BODY.decode(), "whsec_1", timestamp=int(NOW.timestamp())
    )
    accept(header)


def test_any_of_several_secrets_is_enough() -> None:
    """While a secret is being rolled, signatures of the old and the new one are both accepted, in one header or alone."""
    for secret in ("whsec_old", "whsec_new"):
        accept(sign(BODY, secret, NOW), secrets=("whsec_old", "whsec_new"))
    both = sign(BODY, "whsec_unknown", NOW) + "," + sign(BODY, "whsec_new", NOW).split(",")[1]
    accept(both, secrets=("whsec_new",))


@pytest.mark.parametrize("age", [-300, -1, 0, 299, 300])
def test_a_recent_signature_is_accepted(age: int) -> None:
    """Up to the tolerance on either side the age is fine."""
    accept(sign(BODY, "whsec_1", NOW - timedelta(seconds=age)))


@pytest.mark.parametrize(
    ("age", "word"),
    [
        (301, "301 s old"),
        (86_400, "old"),
        (-301, "301 s in the future"),
        (-86_400, "in the future"),
        (-(10**11), "in the future"),
    ],
)
def test_a_signature_from_another_time_is_refused(age: int, word: str) -> None:
    """Too old and dated in the future are refused, with the reason; the SDK would accept the future."""
    stamp = str(int(NOW.timestamp()) - age)
    header = _signed_at(stamp)
    with pytest.raises(BadSignature, match=word):
        accept(header)


def _signed_at(stamp: str) -> str:
    import hashlib
    import hmac

    digest = hmac.new(b"whsec_1", stamp.encode() + b"." + BODY, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        "t=1795338000",
        "v1=abc",
        "t=soon,v1=abc",
        "t=1795338000,v0=abc",
        "t=1795338000,t=1795338000,v1=abc",
        "t=١٧٩٥٣٣٨٠٠٠,v1=abc",
        "t=1795338000,v1=żółć",
        "t=1795338000," + ",".join(["v1=ab"] * 50),
    ],
)
def test_what_is_no_signature_is_refused(header: str | None) -> None:
    """A missing, broken or foreign header is refused, never an error of another kind."""
    with pytest.raises(BadSignature):
        accept(header)


def test_only_the_scheme_v1_counts() -> None:
    """A fitting digest under another scheme proves nothing."""
    with pytest.raises(BadSignature):
        accept(sign(BODY, "whsec_1", NOW).replace("v1=", "v0="))


@given(st.binary(min_size=1, max_size=50), st.integers(0, 14))
def test_a_changed_body_is_refused(noise: bytes, place: int) -> None:
    """Whatever is put into a signed body, the signature no longer fits."""
    header = sign(BODY, "whsec_1", NOW)
    with pytest.raises(BadSignature, match="does not fit"):
        accept(header, body=BODY[:place] + noise + BODY[place:])


@given(st.text(max_size=200))
def test_any_header_is_answered(header: str) -> None:
    """Whatever stands in the header, the answer is a refusal with a reason."""
    with pytest.raises(BadSignature):
        accept(header)
