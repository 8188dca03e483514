"""The desk: use cases of recovery, the runner of its effects, and the read models that follow the ledger."""
