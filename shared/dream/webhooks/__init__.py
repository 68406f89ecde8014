"""Webhooks: verify the raw bytes, match the event to a project, and handle it once."""
