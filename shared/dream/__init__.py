"""dream: what the four workers share."""
