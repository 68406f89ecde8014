"""What is stored in KV. It is only a cache: D1 decides."""
