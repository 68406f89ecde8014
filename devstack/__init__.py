"""devstack: everything that exists for local runs only. Nothing in here is deployed."""
