"""What each page receives: one frozen dataclass a template, and nothing beside it but the shell."""
