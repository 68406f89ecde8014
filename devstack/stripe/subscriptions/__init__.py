"""The life of a subscription. The API, the portal, the checkout page and time call in here."""
