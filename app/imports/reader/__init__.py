"""Read a file as a list: its sheets, headings, columns and cells, and its rows as bodies of reports."""
