"""The worker api-multi."""
