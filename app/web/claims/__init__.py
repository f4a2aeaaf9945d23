"""Pages of published figures, with charts that compare them with what was verified."""
