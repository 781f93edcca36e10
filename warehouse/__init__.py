"""What the stages agree on: settings, table contracts, one adapter per engine, run folders, importers."""
