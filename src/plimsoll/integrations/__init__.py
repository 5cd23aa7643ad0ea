"""The edge to other systems: outside shapes in, raw tables out; knows the words, not the sums."""

from plimsoll.integrations.sources import read_source

__all__ = ["read_source"]
