"""SQL that reads the values of files (times, ids, numbers, texts) and explains why one was not read."""
