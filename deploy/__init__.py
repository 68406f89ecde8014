"""What puts the workers on Cloudflare: their packages and their uploads."""
