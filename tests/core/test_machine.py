"""Random people and steps, for as many cases as the profile allows."""

from __future__ import annotations

from hypothesis import settings

from tests.core.machine import CaseMachine

TestCase = CaseMachine.TestCase
TestCase.settings = settings(max_examples=250, stateful_step_count=40)
