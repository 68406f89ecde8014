"""Runs the workers in the real workerd, built from files of the package registries alone."""
