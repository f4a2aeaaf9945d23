"""The first page: published figures against what each source had verified."""
