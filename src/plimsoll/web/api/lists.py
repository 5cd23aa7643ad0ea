"""Lists: each with the same questions, filters, order and pages, and as a file."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from plimsoll.domain.desk_lists import list_spec
from plimsoll.domain.desk_result import Choice, Group
from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.domain.listing import MOST_LETTERS, MOST_PAGE, MOST_SIZE, OPERATORS, SIZE, kind_of
from plimsoll.domain.people import Person
from plimsoll.web.api.answers import Page, Viewer, page_of
from plimsoll.web.api.route import ApiRoute

router = APIRouter(route_class=ApiRoute)
OWN = ("column",)
FILES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# list -> its address and what one row is
ADDRESSES: dict[str, tuple[str, str]] = {
    "recommendations": ("recommendations", "Lines of the plan in force with what was decided on them"),
    "exceptions": ("exceptions", "What needs a person, one row a cause"),
    "items": ("items", "Stocking points: an item kept at a location"),
    "cash": ("cash", "Stocking points by the money that could be released"),
    "changes": ("changes", "What changed at stocking points since the plan before, and why"),
    "suppliers": ("suppliers", "Suppliers and places that send, with their scorecards"),
    "lanes": ("lanes", "Ways to replenish a place, with their scorecards"),
    "orders": ("orders", "Open order lines and when they are likely to come"),
    "network": ("network", "Stocking points as stages of networks"),
    "networks": ("networks", "Connected places of an item, one row a network"),
    "findings": ("findings", "What checks of the data found"),
    "audit_rows": ("audit-rows", "Doubtful rows of the data"),
    "runs": ("runs", "Runs that were published"),
    "decisions": ("decisions", "Lines of all plans that somebody decided on"),
    "overrides": ("overrides", "Values that people set over the computed ones"),
    "exports": ("exports", "Batches that were sent"),
    "jobs": ("jobs", "Plans made in the background"),
    "audit": ("audit", "The log of changes: who did what, from which value to which"),
}
ListName = Annotated[str, Path(description="A list", examples=["items"], max_length=60)]


def _param(name: str, words: str, schema: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": words, "schema": schema, **more}


FILTER = _param(
    "filter",
    "Conditions as `column=value`, or `column__OP=value` with OP of "
    + ", ".join(operator for operator in OPERATORS if operator)
    + "; commas part values of which any may hold; `/lists/{name}` names the columns",
    {"type": "object", "additionalProperties": {"type": "string"}},
    style="form",
    explode=True,
    example={"abc": "A,B"},
)
SEARCH = _param(
    "q", "Text to look for in names and descriptions", {"type": "string", "maxLength": MOST_LETTERS}
)
ASKED = [
    FILTER,
    SEARCH,
    _param("sort", "Columns to sort by, `-` before those that fall", {"type": "string"}, example="item_id"),
    _param("page", "Page, from 1", {"type": "integer", "minimum": 1, "maximum": MOST_PAGE, "default": 1}),
    _param("size", "Rows a page", {"type": "integer", "minimum": 1, "maximum": MOST_SIZE, "default": SIZE}),
]


class ListColumn(BaseModel):
    """A column of a list: what it holds, and how it can be filtered."""

    name: str
    kind: str
    operators: list[str]
    is_choice: bool
    is_shown: bool


class ListTold(BaseModel):
    """A list: its address, the columns that tell rows apart, those summed up, and all it can be asked by."""

    name: str
    address: str
    meaning: str
    key: list[str]
    sums: list[str]
    columns: list[ListColumn]


class Choices(BaseModel):
    """The values of a column under the other filters, with their counts."""

    column: str
    choices: list[Choice]


class Groups(BaseModel):
    """The values of a column, each with its rows and what they come to."""

    column: str
    money: str
    groups: list[Group]


def _answer(name: str) -> Callable[..., Page]:
    def rows(request: Request, response: Response, who: Viewer) -> Page:
        desk = request.app.state.desk
        query = desk.query(name, request.query_params.multi_items())
        return page_of(request, response, desk.listing(name, query, who), query)

    return rows


for _name, (_address, _meaning) in ADDRESSES.items():
    router.add_api_route(
        f"/{_address}",
        _answer(_name),
        response_model=Page,
        summary=_meaning,
        name=f"list_{_name}",
        operation_id=f"list_{_name}",
        tags=["lists"],
        openapi_extra={"parameters": ASKED},
    )


@router.get("/lists", tags=["lists"], summary="All lists and what they can be asked by")
def lists(request: Request, who: Viewer) -> list[ListTold]:
    """Return all lists."""
    return [_told(request, name) for name in ADDRESSES]


@router.get("/lists/{name}", tags=["lists"], summary="One list and what it can be asked by")
def one_list(request: Request, name: ListName, who: Viewer) -> ListTold:
    """Return one list."""
    return _told(request, name)


@router.get(
    "/lists/{name}/choices",
    tags=["lists"],
    summary="The values that a column can be filtered by",
    openapi_extra={"parameters": [FILTER, SEARCH]},
)
def choices(
    request: Request, name: ListName, who: Viewer, column: Annotated[str, Query(max_length=100)]
) -> Choices:
    """Return the values of a column that has few."""
    desk = request.app.state.desk
    columns = desk.columns(name)
    if column not in columns:
        what = f"The list has no column '{column}'."
        raise InputError(what, remedy=did_you_mean(column, columns) or "See the list's columns.")
    query = desk.query(name, request.query_params.multi_items(), ignored=OWN)
    return Choices(column=column, choices=list(desk.choices(name, query, who, column)))


@router.get(
    "/lists/{name}/groups",
    tags=["lists"],
    summary="What a column of money comes to by the values of another",
    openapi_extra={"parameters": [FILTER, SEARCH]},
)
def groups(
    request: Request,
    name: ListName,
    who: Viewer,
    column: Annotated[str, Query(max_length=100)],
    money: Annotated[str, Query(max_length=100)],
) -> Groups:
    """Return the rows and the sum for each value of a column, the largest sum first."""
    desk = request.app.state.desk
    columns = desk.columns(name)
    if column not in columns:
        what = f"The list has no column '{column}'."
        raise InputError(what, remedy=did_you_mean(column, columns) or "See the list's columns.")
    sums = [each for each in list_spec(name).sums if each in columns]
    if money not in sums:
        what = f"The list does not sum up '{money}'."
        raise InputError(what, remedy=f"It sums up {', '.join(sums)}." if sums else "It has no money.")
    query = desk.query(name, request.query_params.multi_items(), ignored=(*OWN, "money"))
    return Groups(column=column, money=money, groups=list(desk.groups(name, query, who, column, money)))


@router.get(
    "/lists/{name}/file.{ending}",
    tags=["lists"],
    summary="A list as CSV or Excel file",
    response_class=Response,
    responses={
        200: {
            "description": "The file",
            "content": {
                kind.split(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                for kind in FILES.values()
            },
        }
    },
    openapi_extra={"parameters": ASKED[:3]},
)
def as_file(request: Request, name: ListName, ending: str, who: Viewer) -> Response:
    """Return a selection as a file that can be edited and read back."""
    return file_of(request, name, ending, who)


def file_of(request: Request, name: str, ending: str, who: Person) -> Response:
    """Return a selection of a list as the file of an ending."""
    desk = request.app.state.desk
    query = desk.query(name, request.query_params.multi_items())
    content = desk.export(name, query, who, ending=ending)
    return download(content, f"{name}.{ending}", FILES[ending])


def download(content: bytes, name: str, kind: str) -> Response:
    """Return bytes as a file that is kept, not shown."""
    return Response(
        content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def first_row(request: Request, name: str, who: Person, **key: str) -> dict[str, Any] | None:
    """Return the row of a list that a person sees under a key, or None.

    Commas and backslashes of the key are its own, not the filter's.
    """
    desk = request.app.state.desk
    if any(not value or len(value) > MOST_LETTERS for value in key.values()):
        return None
    asked = {column: value.replace("\\", "\\\\").replace(",", "\\,") for column, value in key.items()}
    if not set(key) <= set(desk.columns(name)):  # there is no plan yet
        return None
    rows: list[dict[str, Any]] = desk.listing(name, desk.query(name, asked), who).rows
    return rows[0] if rows else None


def _told(request: Request, name: str) -> ListTold:
    spec = list_spec(name)
    columns = request.app.state.desk.columns(name)
    address, meaning = ADDRESSES[name]
    held = [
        ListColumn(
            name=column,
            kind=kind_of(dtype),
            operators=[operator for operator, kinds in OPERATORS.items() if kind_of(dtype) in kinds],
            is_choice=column in spec.choices,
            is_shown=column in spec.shown,
        )
        for column, dtype in columns.items()
    ]
    return ListTold(
        name=name,
        address=f"/api/v1/{address}",
        meaning=meaning,
        key=list(spec.key),
        sums=[column for column in spec.sums if column in columns],
        columns=held,
    )
