"""Requests, responses and the way between them. Protocol only: no I/O, no tenant, no SQL."""
