"""Providers' batch APIs: many requests at once, answered within a day, for half the price."""
