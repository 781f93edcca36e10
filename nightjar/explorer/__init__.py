"""The explorer: a read-only web page over what analysts may read, `recs` and `marts`."""
