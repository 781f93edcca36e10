"""One adapter per warehouse engine behind one protocol."""
