"""Handlers of events of connected accounts: one module per event, named as Stripe names the event."""
