"""Recuento: a registry of political prisoners that many organisations write to and anyone can count from."""

__version__ = "0.1.0"
