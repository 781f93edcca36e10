"""Measurements that take too long for tests; not part of the installed package."""
