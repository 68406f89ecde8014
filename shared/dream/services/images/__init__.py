"""Images that developers and their backends upload. They are stored in R2."""
