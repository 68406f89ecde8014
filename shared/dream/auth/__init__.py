"""Who calls. Each route names one credential, which returns a principal or raises, before the handler runs."""
