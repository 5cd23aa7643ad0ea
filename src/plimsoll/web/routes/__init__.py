"""Routes, one file a family of pages: each parses, calls one workflow and renders."""
