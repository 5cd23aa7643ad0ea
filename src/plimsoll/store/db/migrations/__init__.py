"""The schema's history: one file a step, never edited after a release."""
