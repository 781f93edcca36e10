"""SQL that reads the values of files: times, ids, numbers, texts; and says why one was not read."""
