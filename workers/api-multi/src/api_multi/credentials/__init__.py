"""Credentials of routes of this worker only."""
