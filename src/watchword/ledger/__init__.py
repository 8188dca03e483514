"""The evidence: an append-only log that an auditor can check offline with standard tools."""
