"""The whole API under one address, in one shape of answers and errors."""

from fastapi import APIRouter

from plimsoll.web.api import (
    exceptions,
    exports,
    files,
    items,
    kpis,
    learning,
    lists,
    overrides,
    people,
    recommendations,
    runs,
    service,
    settings,
    views,
)
from plimsoll.web.api.answers import PROBLEMS

router = APIRouter(prefix="/api/v1", responses=PROBLEMS)
for part in (
    service, lists, files, recommendations, exceptions, items, overrides, exports, runs, learning, kpis,
    views, settings, people,
):  # fmt: skip
    router.include_router(part.router)
