"""Priors: each answers WHERE the instances of the classes are, in its own way."""
