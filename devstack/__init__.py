"""Runs the product on one machine: the local stack, and stand-ins for Stripe and Clerk. Nothing in here is deployed."""
