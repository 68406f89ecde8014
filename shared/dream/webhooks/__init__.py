"""Webhooks: verify raw bytes, claim, handle, and mark handled in the same batch as the effects."""
