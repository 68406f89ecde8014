"""What the hot path costs beside minimal workers that do the same, in one workerd."""
