"""Runs the workers in the real workerd. Everything it needs comes from npm and PyPI."""
