"""`/_devstack/`: what a test or a person at the laptop does to the stand-in. Clerk has none of it."""
