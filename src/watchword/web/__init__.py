"""The console: server-rendered pages for the desk, and two for the person who is locked out. No rule lives here."""
