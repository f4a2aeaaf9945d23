"""Claims: published figures, why they differ, and how they stand beside the registry's own counts."""
