"""One local stack: the workers in workerd, its ports, configuration, secrets, demo data, processes and log."""
