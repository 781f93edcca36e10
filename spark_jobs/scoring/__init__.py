"""Ranking on Spark: blocks of users and items through `nightjar.ranking`."""
