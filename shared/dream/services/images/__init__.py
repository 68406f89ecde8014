"""Images in R2."""
