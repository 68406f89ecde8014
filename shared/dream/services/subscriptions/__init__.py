"""End users' subscriptions."""
