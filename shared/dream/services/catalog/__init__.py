"""What a project sells: its tiers, and making them at Stripe."""
