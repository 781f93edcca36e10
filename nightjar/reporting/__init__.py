"""The page about one run: its tables and figures."""
