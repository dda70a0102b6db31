"""The prior's table: complete, sourced, and refused with one sentence when it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from recoup.errors import ConfigurationError
from recoup.rules.codes import CODES
from recoup.rules.declines import Decline
from recoup.timing.families import Family, family_of, reading_of
from recoup.timing.prior import Cause, load_prior, shipped_prior

SHIPPED = Path("recoup/timing/prior.yaml")


def test_the_shipped_table_is_whole() -> None:
    """Shares of the causes make one, every cause has words, and no likelihood is nothing."""
    prior = shipped_prior()
    assert sum(row.share for row in prior.causes.values()) == pytest.approx(1.0)
    for cause in Cause:
        assert sum(prior.likelihood(cause, family) for family in Family) == pytest.approx(1.0, abs=0.01)
        assert all(prior.likelihood(cause, family) > 0 for family in Family)


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("causes", "hold"), None, "causes lacks hold"),
        (("sources", "bls"), None, "sources lacks bls"),
        (("months", "*"), None, "needs an entry '*'"),
        (("funds", "enough"), 1.5, "funds.enough"),
        (("funds", "enuff"), 0.5, "funds.enuff"),
    ],
)
def test_a_table_that_is_not_whole_is_refused(
    tmp_path: Path, place: tuple[str, str], value: object, told: str
) -> None:
    """A missing row, a share above one, an unknown key: each stops with a sentence that names the place."""
    table = yaml.safe_load(SHIPPED.read_text())
    if value is None:
        del table[place[0]][place[1]]
    else:
        table[place[0]][place[1]] = value
    file = tmp_path / "prior.yaml"
    file.write_text(yaml.safe_dump(table))
    with pytest.raises(ConfigurationError) as refused:
        load_prior(file)
    assert told in str(refused.value)
    assert str(file) in str(refused.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    """A missing file, and one that is no YAML, are one sentence each."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_prior(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1, 2")
    with pytest.raises(ConfigurationError, match="not YAML"):
        load_prior(tmp_path / "bad.yaml")


def test_every_code_has_a_family_that_fits_its_class() -> None:
    """What the rules call final is HARD, what asks for the customer ACTION, and only they are."""
    for code in CODES:
        reading, family = reading_of(Decline(code=code)), family_of(Decline(code=code))
        assert (family is Family.HARD) == (reading.decline_class in ("hard", "fraud"))
        assert (family is Family.ACTION) == (reading.decline_class == "action")
    assert family_of(Decline(code="insufficient_funds")) is Family.FUNDS
    assert family_of(Decline(code="insufficient_funds", advice_code="do_not_try_again")) is Family.HARD
    assert family_of(Decline(code="do_not_honor")) is Family.REFUSED
    assert family_of(Decline(code="processing_error")) is Family.PASSING
    assert family_of(Decline(code="brand_new_code")) is Family.REFUSED
