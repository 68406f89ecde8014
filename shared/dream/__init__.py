"""The package that the four workers share. It imports under plain CPython; only `dream.cloudflare` knows the Workers runtime."""
