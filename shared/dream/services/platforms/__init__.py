"""Developers' platforms and their connected Stripe accounts."""
