"""One module a metric: formula, source and edge cases in its docstring, nothing but arrays in its signature."""
