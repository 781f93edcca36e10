"""Items without events and users new to a domain: Nightjar's rule beside a content kNN, popularity and others."""
