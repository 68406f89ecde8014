"""Prepares what is uploaded to Cloudflare: the packages of each worker. It never imports devstack."""
