"""What was taken back or changed, read from the log."""
