"""The vendors' HTTP, told everything by the caller: account, mode, idempotency key. No client keeps state."""
