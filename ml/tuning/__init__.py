"""The search for a better configuration: candidates fitted and evaluated inside the training part, then gated."""
