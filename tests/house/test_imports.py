"""The import contracts of `.importlinter`, in the test run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.house.source import ROOT


def test_imports_point_one_way() -> None:
    """Every contract of the house is kept."""
    linter = Path(sys.executable).with_name("lint-imports")

    checked = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr
