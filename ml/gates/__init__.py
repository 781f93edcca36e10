"""May a model or an index be published? Figures in, verdicts out."""
