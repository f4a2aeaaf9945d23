"""Request and response models. Their docstrings and fields are published in the OpenAPI documents."""
