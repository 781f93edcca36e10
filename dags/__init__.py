"""When the stages of a run start, and in what order."""
