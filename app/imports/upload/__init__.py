"""Send a list to another registry over an unreliable line."""
