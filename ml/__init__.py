"""The models: their data, training, evaluation, gates, indices and tuning."""
