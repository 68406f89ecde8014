"""The worker front-auth-api."""
