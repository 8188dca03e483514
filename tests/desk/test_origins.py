"""One number, one network: whatever way it was written, it is one origin."""

from __future__ import annotations

import pytest

from watchword.desk.origins import plain


@pytest.mark.parametrize(
    "written",
    [
        "+49 30 5550199",
        "+49305550199",
        "0049305550199",
        "+49-30-5550199",
        " +49 30 5550199",
        "+49 (0)30 5550199",
        "+\uff14\uff19305550199",
        "+\u0664\u0669305550199",
        "030 / 555 01 99",
        "(030) 5550199 ext. 7",
    ],
)
def test_one_number_is_one_however_it_was_written(written: str) -> None:
    """Blanks, hyphens, 00, the trunk 0, digits of other scripts and an extension are how somebody wrote it down."""
    assert plain("number", written, "49") == "+49305550199"


@pytest.mark.parametrize(
    ("written", "country", "is_"),
    [
        ("030 5550199", "", "0305550199"),
        ("06 5550199", "39", "+39065550199"),
        ("+39 06 5550199", "49", "+39065550199"),
        ("(650) 555-0199", "1", "+16505550199"),
        ("1 650 555 0199", "1", "+16505550199"),
        ("011 49 30 5550199", "1", "+49305550199"),
        ("Withheld ", "49", "withheld"),
    ],
)
def test_what_a_number_leaves_open_is_not_made_up(written: str, country: str, is_: str) -> None:
    """Without a calling code nothing is put before it; Italy keeps its 0, and North America dials in its own way."""
    assert plain("number", written, country) == is_


def test_numbers_that_differ_stay_apart() -> None:
    """Another digit, another country, or another place is another number."""
    several = ("+49305550199", "+49305550198", "+43305550199", "+49315550199")
    assert len({plain("number", one, "49") for one in several}) == len(several)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_an_address_is_its_network_where_devices_take_new_ones(one: str, other: str, same: bool) -> None:
    """All addresses of one /64 are one place; an IPv4 address is itself, in either form."""
    assert (plain("address", one) == plain("address", other)) is same
