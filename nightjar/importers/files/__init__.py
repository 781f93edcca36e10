"""Reads files as people have them: text, JSON, Parquet, packed or not, one or many."""
