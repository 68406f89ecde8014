"""Who calls. Each credential is settled once, into a principal, before a handler runs."""
