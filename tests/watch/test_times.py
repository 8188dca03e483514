"""The macros that every provider's SQL may call: times, addresses and words for nothing."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from watchword.watch import correlation

NOON = "2026-03-02 12:00:00+00"


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection as the watch opens it."""
    with correlation.connected("128MB", 1) as made:
        yield made


@pytest.mark.parametrize(
    ("word", "time"),
    [
        ("1772452800", NOON),
        ("1772452800.5", "2026-03-02 12:00:00.5+00"),
        ("1772452800000", NOON),
        ("1772452800000000", NOON),
        ("1772452800000000000", NOON),
        ("134169264000000000", NOON),
        ("2026-03-02T12:00:00Z", NOON),
        ("2026-03-02T12:00:00", NOON),
        ("2026-03-02 13:00:00,250+01:00", "2026-03-02 12:00:00.25+00"),
        ("2026-03-02T13:00:00.123456789+0100", "2026-03-02 12:00:00.123456+00"),
        (" 2026-03-02T12:00:00Z ", NOON),
        ("20260302120000Z", NOON),
        ("20260302120000.000001Z", "2026-03-02 12:00:00.000001+00"),
        ("20260302133000.5+0130", "2026-03-02 12:00:00.5+00"),
        ("3/2/2026 12:00:00 PM", NOON),
        ("1601-01-01T00:00:00Z", "1601-01-01 00:00:00+00"),
        ("2126-03-02T12:00:00Z", "2126-03-02 12:00:00+00"),
        ("-1", "1969-12-31 23:59:59+00"),
        *(
            (nothing, None)
            for nothing in ("null", "", "soon", "2026-13-45", "infinity", "now", "9" * 25, "294247-01-10", "{}", None)
        ),
    ],
)
def test_a_time_is_read_however_it_is_written(
    con: duckdb.DuckDBPyConnection, word: str | None, time: str | None
) -> None:
    """Seconds to nanoseconds, FILETIME, ISO, LDAP's own; what is no time is NULL, never an error."""
    assert con.execute("SELECT CAST(instant($1) AS VARCHAR)", [word]).fetchone() == (time,)


@pytest.mark.parametrize(
    ("word", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("198.51.100.7:443", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:389", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        *((none, None) for none in ("2001:db8:1:2:3:4:5:6:7", "null", "AWS Internal", "iam.amazonaws.com", "", None)),
    ],
)
def test_an_address_comes_without_its_port(
    con: duckdb.DuckDBPyConnection, word: str | None, address: str | None
) -> None:
    """A service's name and an address of nine groups are none, and no error."""
    assert con.execute("SELECT address_in($1)", [word]).fetchone() == (address,)
