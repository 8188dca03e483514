"""Watchword governs help-desk identity recovery like privileged access."""

__version__ = "0.1.0"
