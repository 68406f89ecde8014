"""Hosted pages: what Stripe shows to people. They work without JavaScript."""
