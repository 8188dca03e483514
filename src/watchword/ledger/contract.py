"""What every key provider is held to: subclass `KeyProviderContract`, and say how yours is made.

class TestMine(KeyProviderContract):
    @pytest.fixture
    def provider(self): return MyProvider(…)

    @pytest.fixture
    def other(self): return …  # the same kind, with another wrapping key
"""

from __future__ import annotations

import os

import pytest

from watchword.core.errors import Corrupt, Invalid
from watchword.ledger.provider import KeyProvider, Wrapped

KEY = bytes(range(32))
CONTEXT = b'["watchword data key","example.test","0","case/1","short"]'


class KeyProviderContract:
    """The contract of `watchword.ledger.provider.KeyProvider`."""

    @pytest.fixture
    def provider(self) -> KeyProvider:
        """The provider under test."""
        raise NotImplementedError

    @pytest.fixture
    def other(self) -> KeyProvider:
        """One of the same kind that holds another wrapping key."""
        raise NotImplementedError

    def test_unwraps_what_it_wrapped(self, provider: KeyProvider) -> None:
        """A key comes back as it went in, and the wrapping key has a name that can be stored."""
        wrapped = provider.wrap(KEY, CONTEXT)

        assert provider.unwrap(wrapped, CONTEXT) == KEY
        assert 0 < len(wrapped.by) <= 200
        assert wrapped.by.isprintable()

    def test_wraps_apart(self, provider: KeyProvider) -> None:
        """Wrapping twice gives two secrets, and none shows the key."""
        one, two = provider.wrap(KEY, CONTEXT), provider.wrap(KEY, CONTEXT)

        assert one.secret != two.secret
        assert KEY not in one.secret

    @pytest.mark.parametrize("context", [b"", CONTEXT + b" ", CONTEXT.replace(b"case/1", b"case/2")])
    def test_context_is_bound(self, provider: KeyProvider, context: bytes) -> None:
        """Under another context nothing unwraps."""
        wrapped = provider.wrap(KEY, CONTEXT)
        with pytest.raises(Corrupt) as found:
            provider.unwrap(wrapped, context)

        assert found.value.remedy

    @pytest.mark.parametrize("cut", [0, 1, 11, 12, -1])
    def test_cut_secret_is_corrupt(self, provider: KeyProvider, cut: int) -> None:
        """A secret cut short, or empty, is Corrupt and nothing else."""
        wrapped = provider.wrap(KEY, CONTEXT)
        with pytest.raises(Corrupt):
            provider.unwrap(Wrapped(by=wrapped.by, secret=wrapped.secret[:cut]), CONTEXT)

    def test_changed_secret_is_corrupt(self, provider: KeyProvider) -> None:
        """One bit anywhere is found."""
        wrapped = provider.wrap(KEY, CONTEXT)
        for place in range(len(wrapped.secret)):
            changed = bytearray(wrapped.secret)
            changed[place] ^= 1
            with pytest.raises(Corrupt):
                provider.unwrap(Wrapped(by=wrapped.by, secret=bytes(changed)), CONTEXT)

    def test_foreign_key_is_named(self, provider: KeyProvider, other: KeyProvider) -> None:
        """What another wrapping key wrapped is the wrong key's fault, and the error names that key, never its bytes."""
        key = os.urandom(32)
        wrapped = other.wrap(key, CONTEXT)
        with pytest.raises(Invalid) as found:
            provider.unwrap(wrapped, CONTEXT)

        assert wrapped.by in str(found.value)
        assert key.hex() not in str(found.value)
        assert found.value.remedy
