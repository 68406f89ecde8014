"""The in-process stack."""
