"""What a model is on disk: embeddings, item weights, user features, and whether they belong together."""
