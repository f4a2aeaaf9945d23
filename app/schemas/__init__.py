"""Request and response models. Their docstrings and fields are published in openapi.json."""
