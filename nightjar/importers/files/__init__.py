"""Reads a user's files: text, JSON, Parquet, compressed or not, one or many."""
