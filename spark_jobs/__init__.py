"""Spark jobs: how facts become features, and how every user is scored. Thin entry points over pure transforms."""
