"""The pages of published figures, and the charts that put them beside what was verified."""
