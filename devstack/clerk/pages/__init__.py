"""The pages that people see: those that Clerk hosts, and the log of deliveries."""
