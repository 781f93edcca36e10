"""The one ranker: scores, blend, diversity, top-k, filling, reasons. Arrays in, arrays out."""
