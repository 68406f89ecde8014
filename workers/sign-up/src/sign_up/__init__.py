"""The worker sign-up."""
