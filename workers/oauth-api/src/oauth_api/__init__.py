"""The worker oauth-api."""
