"""The agent orders."""
