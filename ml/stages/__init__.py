"""The stages that train, judge and index models: the only modules of ml that know MLflow and SQL."""
