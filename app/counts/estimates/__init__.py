"""Estimates of what no list has seen, by capture and recapture. Pure: counts by pattern in, an answer out."""

from app.counts.estimates.answer import Estimate, Refusal, estimate
from app.counts.estimates.table import MOST_LISTS, BadTable, read_csv

__all__ = ["MOST_LISTS", "BadTable", "Estimate", "Refusal", "estimate", "read_csv"]
