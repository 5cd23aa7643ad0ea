"""Make a workspace; apart from the other verbs because it needs none of the stages."""

from pathlib import Path

from plimsoll.store.workspace import Workspace


def init_workspace(folder: Path, settings_text: str = "") -> Path:
    """Make an empty workspace and return its path."""
    with Workspace.create(folder, settings_text) as workspace:
        return workspace.path
