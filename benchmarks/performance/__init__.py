"""Cost of a run: time and memory of its stages beside bare libraries, on generated data of several sizes."""
