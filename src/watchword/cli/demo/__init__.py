"""The demo: a sample organisation and a story played through the real API."""
