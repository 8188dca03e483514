"""The HTTP API: JSON in, JSON out, one use case a route. It translates; no rule lives here."""
