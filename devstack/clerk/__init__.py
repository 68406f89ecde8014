"""A stand-in for Clerk, for local runs and tests. It is never deployed. DIFFERENCES.md lists how it differs from Clerk."""
