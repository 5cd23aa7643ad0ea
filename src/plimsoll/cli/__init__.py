"""The command line: each command parses, calls one workflow, and shows the result."""
