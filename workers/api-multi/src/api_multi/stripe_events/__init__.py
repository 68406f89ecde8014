"""What events of connected accounts mean to us, one module per event, named as Stripe names it."""
