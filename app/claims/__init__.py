"""Claims: published figures, why they differ, and how they compare with the registry's own counts."""
