"""The warehouse that a team shares: one database of a PostgreSQL server."""
