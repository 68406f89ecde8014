"""`/_devstack/`: what a test or a person at the laptop does to the stand-in. Stripe has none of it."""
