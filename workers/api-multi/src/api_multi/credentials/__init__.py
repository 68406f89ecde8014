"""Credentials that only this worker takes."""
