"""What goes in and out: the shapes of bodies, lists and errors, and who may ask."""

import re
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StringConstraints

from plimsoll.domain.decisions import LONGEST_TEXT
from plimsoll.domain.errors import InputError
from plimsoll.domain.listing import Listing, Query
from plimsoll.domain.people import Person
from plimsoll.web.refusals import WORDS
from plimsoll.web.security import current_person, requires

Row = dict[str, Any]
MOST = 2**31 - 1  # the largest whole number that every database keeps as a version or id
TAG = re.compile(r'(?:W/)?"(\d{1,9})"')
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

Anybody = Annotated[Person, Depends(current_person)]
Viewer = Annotated[Person, Depends(requires("view"))]
Decider = Annotated[Person, Depends(requires("decide"))]
Approver = Annotated[Person, Depends(requires("approve"))]


def _iso_day(value: object) -> object:
    if not (isinstance(value, str) and ISO_DAY.fullmatch(value)):
        what = "should be a day written as 2026-11-30"
        raise ValueError(what)
    return value


# A zero byte fits into no database; other letters are kept or taken out by the workflows.
NO_ZERO = r"^[^\x00]*$"
Name = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=NO_ZERO)]
Short = Annotated[str, StringConstraints(max_length=300, pattern=NO_ZERO)]
Text = Annotated[str, StringConstraints(max_length=LONGEST_TEXT, pattern=NO_ZERO)]
Day = Annotated[date, BeforeValidator(_iso_day)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Whole = Annotated[int, Field(strict=True, ge=0, le=MOST)]
Yes = StrictBool
Reason = Annotated[Short, Field(description="Code of a reason", examples=["customer_news"])]
Seen = Annotated[
    Whole | None, Field(description="The version that you saw; without it, send its ETag as If-Match")
]


class Body(BaseModel):
    """What is sent; unknown fields are refused, so that no typing error is passed over."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """Why something was not done (RFC 9457), with what, why, what was done meanwhile, and what to do."""

    type: str = Field(examples=["urn:plimsoll:error:Stale"])
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    what: str
    why: str
    done: str
    remedy: str


class Page(BaseModel):
    """A page of a list: its rows, and how many rows and what money the whole selection has.

    Columns depend on the list; `/lists/{name}` names them. `missing` says why a list is empty that was
    never made. `next` leads to the next page.
    """

    items: list[Row]
    total: int
    page: int
    size: int
    sums: dict[str, float]
    next: str | None
    missing: str


def page_of(request: Request, response: Response, listing: Listing, query: Query) -> Page:
    """Return a page of a list as it is answered, with links to the others in the headers."""
    last = listing.n_pages
    pages = {"first": 1, "last": last}
    pages |= {"prev": min(listing.page - 1, last)} if listing.page > 1 else {}
    pages |= {"next": listing.page + 1} if listing.page < last else {}
    at = request.url.path
    links = {name: f"{at}{query.url(page=number)}" for name, number in pages.items()}
    response.headers["Link"] = ", ".join(f'<{href}>; rel="{name}"' for name, href in links.items())
    return Page(
        items=listing.rows,
        total=listing.total,
        page=listing.page,
        size=listing.size,
        sums=listing.sums,
        next=links.get("next"),
        missing=listing.missing,
    )


def at_of(request: Request) -> datetime:
    """Return the moment at which the request is answered."""
    at: datetime = request.app.state.clock()
    return at


def seen(request: Request, given: int | None) -> int:
    """Return the version that the asker saw: of the body, or else of the header If-Match.

    Raises InputError where neither says it.
    """
    tag = TAG.fullmatch(request.headers.get("if-match", ""))
    if given is None and tag is None:
        what = "It was not said which version of it you saw."
        why = "Somebody else may have changed it since."
        remedy = "Send `version` as you read it, or its ETag in If-Match."
        raise InputError(what, why=why, done="Nothing was changed.", remedy=remedy)
    return given if given is not None else int(tag[1]) if tag else 0


def tagged(response: Response, version: object) -> None:
    """Name the version of what is answered."""
    response.headers["ETag"] = f'"{version or 0}"'


def _problem(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": WORDS[status], "content": content}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: _problem(status) for status in (400, 401, 403, 404, 409, 413, 422, 500, 503)
}
