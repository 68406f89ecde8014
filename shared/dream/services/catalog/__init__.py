"""The tiers of a project: their cache, and their creation at Stripe."""
