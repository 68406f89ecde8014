"""Sealing, secret keys and signatures."""
