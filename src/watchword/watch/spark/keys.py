"""Which records have to be judged together: those of one account, under whatever of its names, by one key."""

from __future__ import annotations

from collections.abc import Iterable

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
