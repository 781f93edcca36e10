"""Nightjar's published lists beside what an engineer would pick instead: one split, one metric code, one command."""
