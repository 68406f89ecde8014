"""The package that the four workers share. It imports under plain CPython; only `cloudflare.py` knows the Workers runtime."""
