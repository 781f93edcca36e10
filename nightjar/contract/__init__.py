"""What every part agrees on: settings, tables, stages, gates, run folders, artifacts, intervals, errors."""
