"""The rows that counts read, in columns: arrays of integers in memory, as of the head of the log.

A row is valid for revisions `since <= R < until`, as in the tables, so every past revision is counted from the same
columns. All rows are read once; later only the rows of people affected by new entries."""
