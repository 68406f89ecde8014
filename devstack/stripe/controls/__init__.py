"""`/_devstack/`: what a test or a person at the laptop does to the stand-in. None of it exists at Stripe."""
