"""Recommendations of one user as of now: as published, or by the published model where the user acted since."""
