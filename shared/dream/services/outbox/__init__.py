"""Calls to vendors that were promised in a batch, and carrying them out."""
