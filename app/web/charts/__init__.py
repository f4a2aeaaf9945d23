"""Six kinds of chart: where each mark stands, worked out here, and drawn by `templates/charts`."""
