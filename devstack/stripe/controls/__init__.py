"""Controls under `/_devstack/`: how tests and developers change the stand-in. The real Stripe has nothing like them."""
