"""A ledger for each test, on both databases where the test asks for it."""

from tests.ledger.conftest import *  # noqa: F403
