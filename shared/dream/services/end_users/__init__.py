"""End users of a project."""
