"""What lies in KV. A cache, never the judge."""
