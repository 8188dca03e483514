"""A recovery played through the API, as the demo and any other program does."""

from __future__ import annotations

from typing import Any

import pyotp


def test_debug(organisation: Any) -> None:
    """Debug."""
    ilse = organisation.sign_in("ilse")
    root = organisation.sign_in("root")
    enrolled = root.post("/api/people/mara/credentials", {"method": "totp"})
    print(enrolled.text)
    totp = pyotp.parse_uri(enrolled.json()["uri"])
    opened = ilse.post(
        "/api/cases", {"directory": "sandbox", "account": "m.lindqvist", "action": "password_reset", "reason": "locked"}
    )
    print(opened.text)
    case = opened.json()["case"]
    print(ilse.post(f"/api/cases/{case}/ticket", {"ticket": "INC-20418"}).status_code)
    begun = ilse.post(f"/api/cases/{case}/methods", {"method": "totp"})
    print(begun.text)
    page = opened.json()["page"].split("8787")[1]
    caller = organisation.client()
    api = "/api/caller" + page.removeprefix("/c")
    print(caller.get(api).text)
    a = caller.post(f"{api}/answers/{begun.json()['challenge']}", json={"answer": totp.at(organisation.at)})
    print(a.text)
    print(ilse.get(f"/api/cases/{case}").text)
    hanne = organisation.sign_in("hanne")
    print(hanne.post(f"/api/cases/{case}/release", {}).text[:300])
    for path in ("/cases", f"/cases/{case}", "/cases/new", "/board", page, "/cases/needs?directory=sandbox&account=m.lindqvist&action=factor_reset"):
        r = hanne.get(path)
        print(path, r.status_code, len(r.text))
        open(f"/tmp/look/real{path.count('/')}{len(path)}.html", "w").write(r.text)
    assert 0
