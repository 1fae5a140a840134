"""Recipes on recorded tables: methods that decide from evidence by look-up, and their evaluation."""
