"""Stripe's objects as frozen values: what the product reads of them, and nothing else.

A field that Stripe can expand becomes an id, a moment becomes ISO 8601 UTC text, and an amount stays in minor units.
`from_stripe` reads the attributes of stripe-python's classes, so the type checker compares every field name with Stripe's.
Nothing of stripe-python is imported at run time.
"""
