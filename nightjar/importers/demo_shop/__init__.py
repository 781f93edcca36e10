"""A made-up shop with three domains and planted tastes, the same for the same seed: the data of the demo."""
