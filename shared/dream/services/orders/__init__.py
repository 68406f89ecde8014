"""Orders of a store."""
