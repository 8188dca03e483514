"""Masked contact points show enough to recognise one's own and too little to use another's."""

from __future__ import annotations

import pytest

from watchword.core.account import Contact
from watchword.notices.masking import mask


@pytest.mark.parametrize(
    ("kind", "value", "masked"),
    [
        ("mail", "mara.vogt@example.test", "m•••@e•••.test"),
        ("mail", " mara@mail.example.test ", "m•••@m•••.test"),
        ("mail", "mv@ex.test", "•••@•••.test"),
        ("mail", "mara@localhost", "•••"),
        ("mail", "@example.test", "•••"),
        ("mail", "mara", "•••"),
        ("mail", "", "•••"),
        ("phone", "+49 30 555 0189", "+49 ••• •• 89"),
        ("phone", "+1 (555) 010-0147", "+1 ••• •• 47"),
        ("phone", "+353 20 910 0001", "+353 ••• •• 01"),
        ("phone", "+7 900 000 00 12", "+7 ••• •• 12"),
        ("phone", "030 555 0189", "•••"),
        ("phone", "+49 30", "•••"),
        ("phone", "", "•••"),
        ("pigeon", "coop 4", "•••"),
    ],
)
def test_mask(kind: str, value: str, masked: str) -> None:
    """Mail keeps first letters and the top-level domain, phones the country and two digits, anything else nothing."""
    assert mask(Contact(kind=kind, value=value, changed_at=None)) == masked
