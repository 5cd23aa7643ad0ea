"""The workbench as one application: its routes, its door, and the read model that all threads share."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from anyio import to_thread
from fastapi import FastAPI

from plimsoll.domain.errors import WorkspaceError
from plimsoll.web import assets, problems
from plimsoll.web.api import router as api
from plimsoll.web.background import Background
from plimsoll.web.routes import (
    account,
    attention,
    audit,
    cash,
    economics,
    exceptions,
    exports,
    files,
    health,
    items,
    kpis,
    learning,
    login,
    network,
    overrides,
    recommendations,
    runs,
    settings,
    suppliers,
    today,
)
from plimsoll.web.security import secure
from plimsoll.workflows.desk import Desk
from plimsoll.workflows.sign_in import SignIn

WORKSPACE = "PLIMSOLL_WORKSPACE"
AT_ONCE = 8  # requests of a process; more of them take the interpreter from each other and all are late
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the moment in UTC; the one place of the workbench that reads the clock."""
    return datetime.now(UTC)  # noqa: TID251 - a door may read the clock


def create_app(folder: Path, *, clock: Clock = utc_now) -> FastAPI:
    """Return the workbench of a workspace.

    Parameters
    ----------
    folder : the workspace
    clock : tells the moment as an aware datetime in UTC; tests pass their own
    """
    app = FastAPI(title="Plimsoll", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_life)
    app.state.folder, app.state.clock = folder, clock
    app.state.desk = Desk(folder, clock=clock)
    app.state.error_page = problems.error_page
    secure(app, SignIn(folder))
    problems.catch(app)
    parts = (
        api,
        assets,
        login,
        account,
        today,
        attention,
        recommendations,
        exports,
        files,
        suppliers,
        network,
        overrides,
        cash,
        economics,
        kpis,
        exceptions,
        health,
        items,
        runs,
        learning,
        audit,
        settings,
    )
    for part in parts:
        app.include_router(part.router)
    return app


def from_environment() -> FastAPI:
    """Return the workbench of the workspace that the environment names, for a server that takes a name."""
    folder = os.environ.get(WORKSPACE, "")
    if not folder:
        what = f"The environment variable {WORKSPACE} is not set."
        raise WorkspaceError(what, remedy="Start the workbench by `plimsoll serve WORKSPACE`.")
    return create_app(Path(folder))


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    beside = Background(app.state.folder, app.state.desk, app.state.clock)
    to_thread.current_default_thread_limiter().total_tokens = AT_ONCE
    beside.start()
    yield
    beside.stop()
    app.state.sign_in.close()
