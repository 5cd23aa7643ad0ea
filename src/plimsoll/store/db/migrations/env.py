"""Run by Alembic: migrate over the connection that the caller holds."""

from alembic import context

from plimsoll.store.db.models import Base

if hasattr(context, "config"):  # absent when a tool merely imports this file
    context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
    context.run_migrations()
