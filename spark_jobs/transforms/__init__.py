"""Facts become features: one transform a module, DataFrames in and out."""
