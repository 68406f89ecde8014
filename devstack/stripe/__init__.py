"""A stand-in for Stripe, for local runs and tests. It is never deployed. DIFFERENCES.md lists how it differs from Stripe."""
