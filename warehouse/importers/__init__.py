"""Fills the raw tables: a user's own files, MovieLens folders, and the demo shop."""
