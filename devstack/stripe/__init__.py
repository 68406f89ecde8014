"""A stand-in for Stripe, for local runs and tests. It is never deployed. DIFFERENCES.md says where it differs from Stripe."""
