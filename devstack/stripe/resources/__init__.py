"""One module for each resource of the API: its routes and their handlers."""
