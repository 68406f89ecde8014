"""One whole local stack: its workers in workerd, ports, configuration, secrets, demo data, processes and log."""
