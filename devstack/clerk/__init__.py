"""A local stand-in for Clerk: Backend API, Frontend API, hosted pages and webhooks of several instances on one port."""
