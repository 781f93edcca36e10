"""The stages that train nothing, one module each: what the tasks of the DAGs launch."""
