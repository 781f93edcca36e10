"""Fills the raw tables: a user's own files, public data sets, MovieLens folders, the demo shop."""
