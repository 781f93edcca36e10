"""Spark jobs: build features from facts, and score every user. Thin entry points over pure transforms."""
