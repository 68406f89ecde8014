"""Stripe stand-in: speaks Stripe's HTTP for local runs and tests. Never deployed; DIFFERENCES.md says where it departs from Stripe."""
