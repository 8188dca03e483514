"""What the edge gives to handlers that name it: `app`, `actor`, `at`, `csrf`, `sessions`, `throttle`, a form."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeAlias

from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body

from watchword.app import App
from watchword.desk.browsers import Visitor
from watchword.reception.afterwards import Afterwards
from watchword.reception.sessions import Actor, Sessions, Throttle

TheApp: TypeAlias = NamedDependency[App]

TheActor: TypeAlias = NamedDependency[Actor]
"""Whoever is signed in; asking for it refuses everybody else."""

TheVisitor: TypeAlias = NamedDependency[Visitor]
"""Whoever it is, signed in or not."""

Now: TypeAlias = NamedDependency[datetime]
"""The desk's time, read once for this request."""

Token: TypeAlias = NamedDependency[str]
"""The CSRF token forms of this page carry."""

TheSessions: TypeAlias = NamedDependency[Sessions]

TheThrottle: TypeAlias = NamedDependency[Throttle]

TheRecoveries: TypeAlias = NamedDependency[Throttle]
"""What slows the self-service page."""

TheAfterwards: TypeAlias = NamedDependency[Afterwards]

TheForm: TypeAlias = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
"""What was typed into a page's form."""
