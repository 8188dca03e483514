"""What people are told: mail and automated calls, each behind one port, with simulators that pass its contract."""
