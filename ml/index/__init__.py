"""Approximate nearest neighbours: HNSW graphs and how much they find of what exact search finds."""
