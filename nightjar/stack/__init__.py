"""The servers of one home under one supervisor, on loopback only."""
