"""Layouts of charts: positions are computed here, and `templates/charts` renders them as SVG."""
