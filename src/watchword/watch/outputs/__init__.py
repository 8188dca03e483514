"""Where verdicts go: each output follows the verdict files with a position of its own, at least once and in order."""
