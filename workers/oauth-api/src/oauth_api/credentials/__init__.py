"""Credentials that only this worker accepts."""
