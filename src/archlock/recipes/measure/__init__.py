"""Proxies and short trainings of a whole space."""
