"""Who may do what at the edge: each route asked by one person of each role, reviewed as a table."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.api.organisation import PASSWORD, STAFF, Organisation, Staff
from tests.api.test_edge import BODIES, names_in, routes
from watchword.core.person import Kind, Role, RoleGrant

GOLDEN = Path(__file__).parent / "golden" / "roles.txt"
SIGNING_IN = "/api/session"


def _one_of_each(organisation: Organisation) -> dict[str, Staff]:
    """Somebody signed in for each role, and one for none."""
    people, names = organisation.app.people, organisation.app.names
    root = names.person("root")
    found = {Role.ADMINISTRATOR.value: "root", Role.AGENT.value: "ilse", "none": "nobody"}
    found |= {roles[0].value: login for login, (_, roles) in STAFF.items() if roles and roles[0] is not Role.AGENT}
    for role in Role:
        if role.value not in found:
            login = found[role.value] = f"one.{role.value}"
            one = people.register(root, login=login, name=role.value, kind=Kind.EMPLOYEE, unit="", at=organisation.at)
            people.grant(root, one, RoleGrant(role=role), organisation.at)
            people.set_password(root, one, PASSWORD, organisation.at)
    return {role: organisation.sign_in(login) for role, login in sorted(found.items())}


def test_no_role_reaches_more_than_the_table_says(organisation: Organisation) -> None:
    """A case that is being verified, and everything else there is, asked by each role; left out is what all get alike.

    Whoever may take a step, but not with what was sent, gets 409 or 422; 403 and 404 are of who may not, or not now.
    """
    staff = _one_of_each(organisation)
    ilse = staff[Role.AGENT.value]
    case = ilse.post("/api/cases", BODIES["OpenCase"]).json()["case"]
    names = names_in(ilse, case) | {"login": "tomas"}
    lines = [f"{n:2} {role}" for n, role in enumerate(staff, 1)]
    lines += ["", f"{'method':7}{'route':62}" + "".join(f"{n:5}" for n in range(1, len(staff) + 1))]
    for method, route, body in routes(ilse.get("/api/schema/openapi.json").json()):
        if route == SIGNING_IN:
            continue
        path = re.sub(r"\{(\w+)\}", lambda m: names[m[1]], route)
        row = []
        for one in staff.values():
            client, headers = one.client, {"x-csrftoken": one.token}
            answer = client.request(method, path, json=body, headers=headers, follow_redirects=False)
            assert answer.status_code < 500, (method, path, answer.text)
            row.append(answer.status_code)
        if len(set(row)) > 1:
            lines.append(f"{method:7}{route:62}" + "".join(f"{status:5}" for status in row))
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text("\n".join(lines) + "\n")
    assert lines == GOLDEN.read_text().splitlines()
