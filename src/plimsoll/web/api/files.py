"""Edited lists read back by programs: first what a file asks for, then, where it is wanted, done."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from plimsoll.domain.decisions import Decided
from plimsoll.domain.people import Person
from plimsoll.web.api.answers import Row
from plimsoll.web.api.lists import FILES
from plimsoll.web.api.route import ApiRoute
from plimsoll.web.read_back import READ_BACK, ReadBack, found_in
from plimsoll.web.security import requires
from plimsoll.workflows.lists_in_files import MOST_BYTES

router = APIRouter(route_class=ApiRoute)
XLSX = FILES["xlsx"]
ZIP = b"PK\x03\x04"  # how a workbook begins, whatever its sender calls it
BINARY = {"schema": {"type": "string", "format": "binary"}}
BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"text/csv": BINARY, XLSX: BINARY}},
}


class FileRead(BaseModel):
    """What an edited file asks for, row by row; `problems` tell which rows cannot be followed, and why.

    `n_same` rows change nothing. `done` is there once it was applied.
    """

    n_rows: int
    n_same: int
    asked: list[Row]
    problems: list[Row]
    done: Decided | None


async def _sent(request: Request) -> bytes:
    return await request.body()


Sent = Annotated[bytes, Depends(_sent)]


def _answer(each: ReadBack) -> Callable[..., FileRead]:
    def read(
        request: Request,
        who: Annotated[Person, Depends(requires(each.action))],
        content: Sent,
        apply: Annotated[bool, Query(description="Do it; otherwise only say what it asks for")] = False,
    ) -> FileRead:
        name = "list.xlsx" if content.startswith(ZIP) else "list.csv"
        found = found_in(each, request.app, content, name, who)
        wanted = apply and found.decisions.height
        return FileRead(
            n_rows=found.n_rows,
            n_same=found.n_same,
            asked=found.decisions.to_dicts(),
            problems=found.problems.to_dicts(),
            done=each.do(request.app, found.decisions, who) if wanted else None,
        )

    return read


for _each in READ_BACK:
    router.add_api_route(
        f"/{_each.name}/file",
        _answer(_each),
        methods=["POST"],
        tags=[_each.name],
        response_model=FileRead,
        summary=f"Read an edited file of {_each.name} back",
        name=f"read_{_each.name}",
        operation_id=f"read_{_each.name}",
        max_body_size=MOST_BYTES,
        openapi_extra=BODY,
    )
