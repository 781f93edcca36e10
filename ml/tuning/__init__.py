"""The search for better settings: candidates trained and judged inside the training part, then the gate."""
