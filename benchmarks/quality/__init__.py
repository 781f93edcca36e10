"""Nightjar's published recommendations beside other models: one split, one metric code, one command."""
