"""A digest that two people can say to each other; see `core.spoken`."""

from __future__ import annotations

from watchword.core.spoken import spoken

__all__ = ["spoken"]
