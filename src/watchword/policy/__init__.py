"""What each recovery needs, and who may take which step: three files a person can read, held as one bundle."""

from watchword.policy.bundle import Policy
from watchword.policy.people import People
from watchword.policy.procedures import Procedures

__all__ = ["People", "Policy", "Procedures"]
