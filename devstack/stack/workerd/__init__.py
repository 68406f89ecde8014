"""Runs the real workers in a real workerd, from files that the package registries have."""
