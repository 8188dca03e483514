"""Schemathesis reads the description of the API and asks what nobody would: no answer may be a mistake of ours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.organisation import Organisation
from watchword.core.errors import Invalid
from watchword.reception.ends import moment

CHECKS = ("not_a_server_error", "content_type_conformance", "response_schema_conformance", "negative_data_rejection")
EXAMPLES = os.environ.get("WATCHWORD_EXAMPLES", "4")
"""Of each operation, for each person; whoever has patience asks for more."""


@pytest.mark.parametrize("login", ["ilse", "noor", "root"])
def test_whatever_is_asked(organisation: Organisation, tmp_path: Path, login: str) -> None:
    """Every operation, by an agent, somebody on duty and an administrator."""
    session = organisation.sign_in(login).client
    cookies = "; ".join(f"{name}={value}" for name, value in session.cookies.items())
    command = (
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{organisation.url}/api/schema/openapi.json"),
        *("--header", f"cookie: {cookies}", "--header", f"x-csrftoken: {session.cookies['csrftoken']}"),
        *("--checks", ",".join(CHECKS), "--phases", "fuzzing", "--max-examples", EXAMPLES),
        *("--seed", "7", "--exclude-path", "/api/session"),
    )
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout[:8000]
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested is not None
    assert int(tested[1]) > 100


def test_what_was_found_stays_mended(organisation: Organisation) -> None:
    """An account that never was, more hours than there are, and a description that is not served: each is said."""
    ilse = organisation.sign_in("ilse")
    for account in ("a-none", "%17", "%00"):
        unknown = ilse.post(f"/api/accounts/{account}/freeze-release")
        assert (unknown.status_code, unknown.json()["detail"]) == (422, "This account is unknown.")
    assert ilse.get(f"/api/policy/proposal/statement?hours={10**30}").status_code == 400
    missing = ilse.get("/.well-known/ssf-configuration")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    for said in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "soon"):
        with pytest.raises(Invalid, match="is no time"):
            moment(said)
