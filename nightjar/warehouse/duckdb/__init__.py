"""The embedded warehouse: one DuckDB file, and the snapshot of it that readers open."""
