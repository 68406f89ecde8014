"""What the outbox can owe: effects on Stripe and Clerk, each a plain set that is safe to repeat."""
