"""Where accounts live: one port, its contract test, and one file for each kind of directory."""
