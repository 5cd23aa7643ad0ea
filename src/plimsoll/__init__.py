"""Plimsoll: how much of every item to hold at every location, what to order today, and why."""

__version__ = "0.6.0"
