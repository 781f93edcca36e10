"""Imports MovieLens folders as they are unpacked."""
