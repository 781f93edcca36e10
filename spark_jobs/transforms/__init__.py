"""Features from facts: one transform a module, DataFrames in and out."""
