"""Notices to the holders of keys: what is new, in numbers by kind, by e-mail or in a private Atom feed."""
