"""One module a stage, each with `run(settings, folder)`: read files, call pure functions, write files."""
