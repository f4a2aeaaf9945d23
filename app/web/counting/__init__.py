"""The page of counts: its form, the count, and tables of series, overlaps and estimates."""
