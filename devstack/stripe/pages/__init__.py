"""The pages that Stripe hosts, and pages with the stand-in's state. They work without JavaScript."""
