"""What every notifier must do; subclass `NotifierContract` in a test and name the adapter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime

import msgspec
import pytest

from watchword.core.account import Contact
from watchword.core.errors import Invalid, Unavailable, WatchwordError
from watchword.notices.port import KINDS, Notice, Notifier

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ADDRESSES = {"mail": "mara.vogt@example.test", "call": "+49 30 555 0189", "sms": "+49 30 555 0189"}
SECRET = "4711 0815"  # noqa: S105


class NotifierContract(ABC):
    """What `notifier()` makes reaches a far end that takes everything; what `away()` makes, none."""

    @abstractmethod
    def notifier(self) -> Notifier:
        """The adapter, and a far end that answers."""

    @abstractmethod
    def away(self) -> Notifier:
        """The adapter, and a far end that is not there."""

    @abstractmethod
    def arrived(self) -> tuple[str, ...]:
        """The texts that reached the far end of `notifier()`, oldest first, without trailing white space."""

    def notice(self, notifier: Notifier) -> Notice:
        """A notice that this channel can send."""
        to = Contact(kind=KINDS[notifier.channel], value=ADDRESSES[notifier.channel], changed_at=None)
        return Notice(id="case/7/notice/1", kind="code", to=to, subject="Your code", text=f"It is {SECRET}.", at=AT)

    def test_sends(self) -> None:
        """A notice reaches the far end whole, and has an id."""
        notifier = self.notifier()
        assert notifier.send(self.notice(notifier))
        assert self.arrived() == (f"It is {SECRET}.",)

    def test_text_survives(self) -> None:
        """Lines that begin with a dot, empty lines, letters and spaces beyond ASCII arrive as they were written."""
        notifier = self.notifier()
        text = ".hidden\n\nZoë's line — done\nVous avez appelé\N{NO-BREAK SPACE}?\n."
        notifier.send(msgspec.structs.replace(self.notice(notifier), text=text))
        assert self.arrived() == (text,)

    def test_id_follows_from_the_notice(self) -> None:
        """The same notice sent again has the same message id, and another notice another."""
        notifier = self.notifier()
        notice = self.notice(notifier)
        other = msgspec.structs.replace(notice, id="case/7/notice/2")
        assert notifier.send(notice) == notifier.send(notice) != notifier.send(other)

    def test_away(self) -> None:
        """A far end that does not answer is `Unavailable`, and the error holds neither the address nor the text."""
        notifier = self.away()
        notice = self.notice(notifier)
        with pytest.raises(Unavailable) as caught:
            notifier.send(notice)
        self.silent(caught.value, notice)

    @pytest.mark.parametrize("subject", ["a\nBcc: all@example.test", "a\r\nBcc: all@example.test", "a\x00", "", " "])
    def test_header_injection(self, subject: str) -> None:
        """A subject that is not one printable line is `Invalid`, and nothing is sent."""
        notifier = self.notifier()
        with pytest.raises(Invalid):
            notifier.send(msgspec.structs.replace(self.notice(notifier), subject=subject))
        assert self.arrived() == ()

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "nobody",
            "a@example.test, b@example.test",
            "a@example.test\nBcc: b@example.test",
            "Mara <a@example.test>",
            "a b@example.test",
            "@example.test",
            "a@",
            "a..b@example.test",
            "030 1234567",
            "+49 30 12345x",
            "+49301234567\n",
            "+0123456789",
            "+49 30 123456789012345",
        ],
    )
    def test_bad_address(self, value: str) -> None:
        """An address that is not exactly one plain address or number is `Invalid`, and nothing is sent."""
        notifier = self.notifier()
        notice = self.notice(notifier)
        bad = msgspec.structs.replace(notice, to=msgspec.structs.replace(notice.to, value=value))
        with pytest.raises(Invalid) as caught:
            notifier.send(bad)
        self.silent(caught.value, bad)
        assert self.arrived() == ()

    def test_wrong_channel(self) -> None:
        """A contact point of another kind is `Invalid`."""
        notifier = self.notifier()
        notice = self.notice(notifier)
        other = "phone" if notice.to.kind == "mail" else "mail"
        with pytest.raises(Invalid):
            notifier.send(msgspec.structs.replace(notice, to=msgspec.structs.replace(notice.to, kind=other)))

    @pytest.mark.parametrize("text", ["", " \n", "a\x00b", "x" * 20_000])
    def test_bad_text(self, text: str) -> None:
        """A text that is empty, endless or holds control characters is `Invalid`."""
        notifier = self.notifier()
        with pytest.raises(Invalid):
            notifier.send(msgspec.structs.replace(self.notice(notifier), text=text))
        assert self.arrived() == ()

    def test_prints_nothing_private(self) -> None:
        """A printed notice shows neither the address nor the text."""
        notice = self.notice(self.notifier())
        assert SECRET not in repr(notice)
        assert notice.to.value not in repr(notice)

    def silent(self, error: WatchwordError, notice: Notice) -> None:
        """The error says the way on, and holds neither the address nor the text."""
        assert error.remedy
        assert not notice.to.value or notice.to.value not in str(error)
        assert SECRET not in str(error)
