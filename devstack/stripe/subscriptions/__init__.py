"""What happens to a subscription. The API, the portal, the checkout page and timers call these modules."""
