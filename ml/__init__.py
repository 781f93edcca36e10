"""The model: how features become embeddings, indices and their measured quality; and the `nightjar` command."""
