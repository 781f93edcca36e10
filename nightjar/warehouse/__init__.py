"""The warehouse: one protocol, one folder for each engine, dbt on either."""
