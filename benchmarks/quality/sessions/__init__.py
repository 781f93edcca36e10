"""Sessions that training never saw: the next click after each prefix, repeats allowed."""
