"""From an attempt to what readers see: checks, snapshot, staging, publication, ledger, rollback, retention."""
