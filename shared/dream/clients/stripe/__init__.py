"""Stripe: one class for the calls on an account, one module for each kind of object, and the connection of accounts.

`account` has `StripeAccount`. `http` sends a call and translates Stripe's errors. `connect` connects and disconnects accounts.
Inside this package, `import stripe` is Stripe's own package.
"""
