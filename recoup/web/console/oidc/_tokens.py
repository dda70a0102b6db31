"""Checking an ID token: OpenID Connect Core 1.0, section 3.1.3.7."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from recoup.web.console.oidc._refusing import Problem, Refused

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures that only the provider can make: neither none, nor one by a secret that we have as well."""
LEEWAY_SECONDS = 60
"""How far the clocks of provider and console may be apart."""
_LONGEST_SUBJECT = 255
_KINDS = ("RSA", "EC")


class UnknownKey(Exception):
    """No key that we know has signed this: the provider may have a new one."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say to be an answer to our question."""

    issuer: str
    client_id: str
    nonce: str


def keys_in(told: Any) -> KeySet:
    """The keys with which a provider signs; those of other kinds and for other uses are passed over.

    Raises:
        Refused: this is no set of keys, or none in it can be used.
    """
    try:
        given = [key for key in told["keys"] if key.get("kty") in _KINDS and key.get("use", "sig") == "sig"]
        return KeySet.import_key_set({"keys": given})
    except (JoseError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused(Problem.AWAY, f"the provider's keys cannot be used ({type(error).__name__})") from error


def claims_of(
    token: str, keys: KeySet, expected: Expected, access_token: object, now: datetime
) -> dict[str, Any]:
    """What the token says, once all of it holds.

    Raises:
        UnknownKey: it was not signed with any of these keys.
        Refused: it holds not.
    """
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    options = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
    }
    params = {"client_id": expected.client_id, "nonce": expected.nonce, "access_token": access_token}
    try:
        read = jwt.decode(token, keys, registry=registry)
        claims = CodeIDToken(read.claims, read.header, options, params)
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
    except (InvalidKeyIdError, BadSignatureError) as error:
        raise UnknownKey(type(error).__name__) from error
    except (JoseError, KeyError, TypeError, ValueError) as error:
        raise Refused(Problem.ANSWER, f"the ID token does not hold: {_said(error)}") from error
    if not 0 < len(claims["sub"]) <= _LONGEST_SUBJECT:
        raise Refused(Problem.ANSWER, "the ID token names nobody")
    return dict(claims)


def _said(error: Exception) -> str:
    """What is wrong, without what the token says."""
    return str(error)[:120] if isinstance(error, JoseError) else type(error).__name__
