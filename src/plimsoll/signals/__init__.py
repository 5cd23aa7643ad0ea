"""How good the estimates were, level by level and over time, and what has changed."""
