"""How good a ranking is: slices, metrics, the champion's refit, confidence intervals."""
