"""Paging the security operations centre: a mail to an address of the settings, or a POST to a webhook.

What is paged names cases by their code and says what happened; it holds no name, contact point or code of a person.
"""

from __future__ import annotations

from typing import ClassVar

import httpx2
import msgspec

from watchword.core.account import Contact
from watchword.core.errors import Invalid, Unavailable
from watchword.notices.port import Notice, Notifier, Page

WITHIN_S = 10.0
"""How long a webhook may take to answer, in seconds."""


class MailPager:
    """Pages an address of the settings over the mail that is configured."""

    queues: ClassVar[bool] = False

    def __init__(self, notifier: Notifier, address: str) -> None:
        self._notifier = notifier
        self._to = Contact(kind="mail", value=address, changed_at=None)

    def page(self, page: Page) -> None:
        """Send it as an alert."""
        self._notifier.send(
            Notice(id=page.id, kind="alert", to=self._to, subject=page.subject, text=page.text, at=page.at)
        )


class WebhookPager:
    """Posts JSON to one address; the receiver tells repeats apart by `id`."""

    queues: ClassVar[bool] = True

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx2.Client(timeout=WITHIN_S, trust_env=False, follow_redirects=False)

    def page(self, page: Page) -> None:
        """Post it; any 2xx is taken, a 4xx other than 408 and 429 is a no for good."""
        body = msgspec.json.encode(page)
        try:
            answer = self._http.post(self._url, content=body, headers={"content-type": "application/json"})
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Unavailable(
                f"The security webhook does not answer: {type(error).__name__}.", "It is tried again."
            ) from error
        if answer.is_success:
            return
        if 400 <= answer.status_code < 500 and answer.status_code not in {408, 429}:
            raise Invalid(f"The security webhook refuses: {answer.status_code}.", "Correct it.", "security.webhook")
        raise Unavailable(f"The security webhook answers {answer.status_code}.", "It is tried again.")
