"""The models, and what is fitted beside them."""
