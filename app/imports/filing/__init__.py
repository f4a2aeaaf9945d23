"""Prepare a list, file it in batches, tell what changes, and undo it."""
