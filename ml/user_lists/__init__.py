"""The lists of one user as they are now: as published, or by the published model if they acted since."""
