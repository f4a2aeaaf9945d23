"""The January 2026 replay: real published figures, invented people. Pure and deterministic."""
