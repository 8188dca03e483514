"""The language of recovery and its rules: pure values and functions, no I/O."""
