"""Cold items, and users new to a domain: Nightjar's ranking beside a content kNN, popularity and others."""
