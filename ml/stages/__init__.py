"""The stages that train, evaluate, gate and index models. Besides `ml.tracking`, only they know SQL or run folders."""
