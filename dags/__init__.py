"""When the stages of a night run and in what order."""
