"""What models are trained on: matrices of interactions and features, text features."""
