"""What both stand-ins are made of: store, clock, faults, calls, webhook deliveries, controls, server. It knows no vendor."""
