"""The database of the workspace: models, migrations and the engine; portable SQL only."""
