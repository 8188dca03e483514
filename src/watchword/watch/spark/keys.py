"""Which records have to be judged together: those of one account, under whatever of its names, by one key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import duckdb
import pyarrow as pa

from watchword.watch.spark.rows import Body, arrow, create, insert, packed, parted, whole

_BITS = 0xFFFFFFFF

MACROS = """
CREATE OR REPLACE TEMP MACRO own_name("target", actor) AS
    CASE WHEN coalesce("target", '') <> '' THEN '=' || "target" ELSE '=@' || coalesce(actor, '') END;
CREATE OR REPLACE TEMP MACRO key_of(target_keys, "target", actor) AS
    coalesce(list_min(target_keys), own_name("target", actor));
CREATE OR REPLACE TEMP MACRO names_of_event(target_keys, "target", actor) AS
    coalesce(target_keys, []) || [own_name("target", actor)];
"""
"""An event's names: those that its log has for the target, and the target as it is written there, by which events are
folded; an event about nobody goes with the others of its actor. The key is the first of them."""

KEY = 'key_of(target_keys, "target", actor)'

PART = "CAST(hash(coalesce(moved.rep, k)) % $parts AS INTEGER)"
"""Over rows with a key `k`, joined with `moved`: the partition of their account."""

IDS = f"""
    SELECT DISTINCT id, k, hash(struct_pack(
        p := provider, d := directory, n := native_action, a := "action", w := actor, t := "target",
        s := CASE WHEN "time" BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00'
            AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' THEN "time" END
    )) AS record
    FROM (SELECT *, {KEY} AS k FROM native) WHERE id IS NOT NULL
"""
"""Over `native`: the ids of records, and what tells records of one id apart."""

LINKS = """
    SELECT list(DISTINCT k) AS keys FROM (SELECT k, unnest(names) AS name FROM link)
    WHERE name IS NOT NULL GROUP BY name HAVING count(DISTINCT k) > 1
"""
"""Over `link` (k, names): the keys that one name links."""


def united(links: Iterable[list[str]]) -> dict[str, str]:
    """For each key that is linked with others, the one that stands for all of them: the least."""
    above: dict[str, str] = {}

    def top(key: str) -> str:
        found = key
        while (up := above.get(found, found)) != found:
            found = up
        while (up := above.get(key, key)) != found:
            above[key], key = found, up
        return found

    for first, *others in links:
        for other in others:
            low, high = sorted((top(first), top(other)))
            above[high] = low
    return {key: rep for key in above if (rep := top(key)) != key}


_PAIRS = pa.schema([("k", pa.string()), ("rep", pa.string())])


def link(con: duckdb.DuckDBPyConnection, links: Iterable[Body]) -> bool:
    """Find the accounts that several names lead to, in logs, evidence, accounts and tickets: table `moved`, key to key.

    A ticket speaks once: whatever it may be about is judged together.

    False where there are none.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE link (k VARCHAR, names VARCHAR[])")
    insert(con, "link", (body.body for body in links))
    con.execute("INSERT INTO link SELECT DISTINCT coalesce(list_min(target_keys), ''), target_keys FROM evidence")
    con.execute("INSERT INTO link SELECT min(name), list(DISTINCT name) FROM account GROUP BY account")
    con.execute("INSERT INTO link SELECT min(name), list(DISTINCT name) FROM about GROUP BY part")
    moved = united(keys for (keys,) in con.execute(LINKS).fetchall())
    con.complete()
    con.register("told", pa.table({"k": list(moved), "rep": list(moved.values())}, schema=_PAIRS))
    con.execute("CREATE OR REPLACE TEMP TABLE moved AS FROM told")
    con.unregister("told")
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE home AS SELECT evidence, coalesce(moved.rep, k) AS rep
        FROM (SELECT evidence, coalesce(list_min(target_keys), '') AS k FROM evidence) LEFT JOIN moved USING (k)
        """
    )
    return bool(moved)


def shared(con: duckdb.DuckDBPyConnection, ids: Iterable[Body], parts: int) -> list[Body]:
    """After `link`: the *ids* that several records have, wherever they are, each where these are judged."""
    if not create(con, "named", (body.body for body in ids)):
        return []
    found = arrow(
        con,
        f"""
        SELECT DISTINCT id, {PART} AS part
        FROM named SEMI JOIN (
            SELECT id FROM named GROUP BY id HAVING count(DISTINCT record) > 1
        ) AS several USING (id) LEFT JOIN moved USING (k)
        ORDER BY part
        """,
        {"parts": parts},
    )
    return list(parted(found, "shared"))


def labels(parts: int) -> tuple[int, ...]:
    """For each of *parts* partitions the least number whose hash leads Spark's shuffle to it, and to no other."""
    found: dict[int, int] = {}
    number = 0
    while len(found) < parts:
        found.setdefault(_murmur(number) % parts, number)
        number += 1
    return tuple(found[part] for part in range(parts))


def _murmur(number: int) -> int:
    """The hash of an int by which Spark shuffles: MurmurHash3 x86_32 of its four bytes, seed 42, signed."""
    block = _rotated(number * 0xCC9E2D51 & _BITS, 15) * 0x1B873593 & _BITS
    mixed = (_rotated(42 ^ block, 13) * 5 + 0xE6546B64 & _BITS) ^ 4
    mixed = (mixed ^ mixed >> 16) * 0x85EBCA6B & _BITS
    mixed = (mixed ^ mixed >> 13) * 0xC2B2AE35 & _BITS
    mixed ^= mixed >> 16
    return mixed - (1 << 32) if mixed >> 31 else mixed


def _rotated(word: int, by: int) -> int:
    return (word << by | word >> 32 - by) & _BITS


def beside(con: duckdb.DuckDBPyConnection, parts: int, *, again: bool = False) -> list[Body]:
    """Evidence and accounts, where the records of the same account are; *again* for those in `wanted`."""
    values = {"parts": parts}
    of_rep = PART.replace("moved.rep, k", "rep")
    chosen = "SEMI JOIN wanted USING (rep)" if again else ""
    of_those = "WHERE coalesce(moved.rep, k) IN (SELECT rep FROM wanted)" if again else ""
    found = arrow(
        con,
        f"SELECT evidence.*, {of_rep} AS part FROM evidence JOIN home USING (evidence) {chosen} ORDER BY part",
        values,
    )
    made = list(parted(found, "evidence"))
    if again:
        made += parted(arrow(con, "FROM foreign_case ORDER BY part"), "evidence")
    found = arrow(
        con,
        f"SELECT account.*, {PART} AS part FROM account "
        "JOIN (SELECT account, min(name) AS k FROM account GROUP BY account) USING (account) "
        f"LEFT JOIN moved USING (k) {of_those} ORDER BY part",
        values,
    )
    return [*made, *parted(found, "account")]


def everywhere(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, bytes]]:
    """What is small and may concern any event."""
    queries = {
        # Executors are known by their name in any case: a row of evidence that is for nobody says them all.
        "evidence": "SELECT list(DISTINCT name) AS principal_keys, CAST([] AS VARCHAR[]) AS target_keys, "
        "CAST([] AS VARCHAR[]) AS effects, -1 AS evidence FROM (SELECT unnest(principal_keys) AS name FROM evidence)",
        # So are those who are no strangers to a ticket: it is theirs.
        "account": "FROM account WHERE shared OR status = 'leaver' OR account IN ("
        "SELECT account FROM label WHERE label IN (SELECT agent FROM ticket_part WHERE agent <> ''))",
        "ticket_part": "FROM ticket_part",
        "enforced": "FROM enforced",
        "gap": "FROM gap",
        "declared": "FROM declared",
        "seen": "FROM seen",
    }
    for name, query in queries.items():
        for body in packed(con, query):
            yield name, body


def elsewhere(
    con: duckdb.DuckDBPyConnection, parts: int, alone: Iterable[Body], claims: Iterable[Body]
) -> bytes | None:
    """Accounts that are judged again, with cases of others that were open: tables `wanted` and `foreign_case`."""
    if not create(con, "alone", (body.body for body in alone)):
        return None
    con.execute("CREATE OR REPLACE TEMP TABLE claimed (evidence BIGINT)")
    insert(con, "claimed", (body.body for body in claims))
    values = {"parts": parts}
    of_case, of_event = (PART.replace("moved.rep, k", f"{whose}.rep") for whose in ("home", "acting"))
    # Hours are enough to find them by: which of them were open then, the verdict's own SQL says.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE near AS
        WITH acting AS (
            SELECT rep, name, unnest(range(
                CAST(floor((epoch("time") - epoch(lag)) / 3600) AS BIGINT),
                CAST(floor((epoch("time") + epoch(lag)) / 3600) AS BIGINT) + 1
            )) AS hour
            FROM (
                SELECT coalesce(moved.rep, k) AS rep, "time", lag, unnest(actor_keys) AS name
                FROM alone LEFT JOIN moved USING (k)
                WHERE "time" > TIMESTAMPTZ '1971-01-01 00:00:00+00' AND "time" < TIMESTAMPTZ '9999-01-01 00:00:00+00'
            )
        ),
        open_case AS (
            SELECT evidence, name, unnest(range(
                CAST(floor(epoch(started) / 3600) AS BIGINT), CAST(floor(epoch(until) / 3600) AS BIGINT) + 1
            )) AS hour
            FROM (
                SELECT evidence, unnest(principal_keys) AS name, started,
                    least(coalesce(ended, expires), started + INTERVAL 7 DAYS) AS until
                FROM evidence WHERE started IS NOT NULL
            )
        )
        SELECT DISTINCT acting.rep, open_case.evidence, {of_event} AS part, {of_case} AS home
        FROM acting JOIN open_case USING (name, hour) JOIN home USING (evidence)
        """,
        values,
    )
    con.execute("CREATE OR REPLACE TEMP TABLE wanted AS SELECT DISTINCT rep FROM near WHERE part <> home")
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE foreign_case AS
        SELECT evidence.* REPLACE (
            CASE WHEN claimed.evidence IS NULL THEN effects ELSE [] END AS effects, [] AS target_keys
        ), part
        FROM (
            SELECT DISTINCT near.evidence, near.part, near.part = near.home AS is_home
            FROM near SEMI JOIN wanted USING (rep)
        ) AS near
        JOIN evidence USING (evidence)
        LEFT JOIN (SELECT DISTINCT evidence FROM claimed) AS claimed ON claimed.evidence = evidence.evidence
        -- What is of an account that is judged there again is there, and nothing is there twice.
        WHERE NOT (near.is_home AND evidence.evidence IN (SELECT home.evidence FROM home SEMI JOIN wanted USING (rep)))
        """
    )
    row = con.execute("SELECT count(*) FROM wanted").fetchone()
    return whole(con, "FROM wanted") if row is not None and row[0] else None
