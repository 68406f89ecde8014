"""One module for each resource of the API: its routes, and what each of them does."""
