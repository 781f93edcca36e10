"""Measurements that are too long for a test; not part of the installed package."""
