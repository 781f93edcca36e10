"""The local stack: PostgreSQL, Airflow and MLflow of one home, under one supervisor, on loopback only."""
