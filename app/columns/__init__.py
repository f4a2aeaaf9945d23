"""The rows that counts read, kept in columns: arrays of whole numbers in memory, at the head of the log.

A row holds for revisions `since <= R < until`, here as in the tables, so that every past revision is counted from the
same columns. They are read whole once; from then on only the rows of people whom later entries touched."""
