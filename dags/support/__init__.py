"""How a DAG file launches a stage: one factory for each kind of command."""
