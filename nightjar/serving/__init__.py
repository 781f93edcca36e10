"""Recommendations for one user as of now: as published, or by the published model where the user has newer events."""
