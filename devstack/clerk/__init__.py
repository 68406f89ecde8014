"""A stand-in for Clerk, for local runs and tests. It is never deployed. README.md says where it differs from Clerk."""
