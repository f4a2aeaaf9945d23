"""Pages of people and releases: the lists, one person, and the objection form."""
