"""Keep, see and forget views of lists."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qsl

import polars as pl

from plimsoll.domain.accounts import plain
from plimsoll.domain.decisions import Unknown
from plimsoll.domain.desk_lists import list_spec
from plimsoll.domain.errors import InputError
from plimsoll.domain.listing import Query
from plimsoll.domain.people import Person, require
from plimsoll.domain.views import NewView, View
from plimsoll.store import views as store
from plimsoll.store.workspace import Workspace

MOST_VIEWS = 200  # of one person


def question(text: str, columns: Mapping[str, pl.DataType]) -> Query:
    """Return the question that the address of a list asks, without its page; nonsense is refused."""
    asked = Query.read(parse_qsl(text.removeprefix("?")), columns)
    return Query(asked.conditions, asked.text, asked.sort, size=asked.size)


def views(folder: Path, who: Person, *, list_name: str = "") -> list[View]:
    """Return a person's own views and those that others share, of one list or of all."""
    require(who, "view")
    with Workspace.open(folder) as workspace:
        return store.known(workspace, who.username, list_name)


def save_view(folder: Path, view: NewView, who: Person, *, at: datetime) -> View:
    """Keep a view, in the place of the person's own of that name.

    Raises
    ------
    Unknown : there is no such list
    InputError : the name cannot be used, or the person has kept very many already
    """
    require(who, "save_view")
    list_spec(view.list_name)
    named = NewView(view.list_name, plain(view.name, "name of the view"), view.query, view.shared)
    with Workspace.open(folder) as workspace:
        kept = store.save(workspace, who.username, named, most=MOST_VIEWS, at=at)
    if kept is None:
        what = f"You have kept {MOST_VIEWS} views already."
        raise InputError(what, done="It was not kept.", remedy="Forget one that you do not use.")
    return kept


def forget_view(folder: Path, view_id: int, who: Person, *, at: datetime) -> None:
    """Forget a view of one's own; another's is Unknown."""
    require(who, "save_view")
    with Workspace.open(folder) as workspace:
        if not store.forget(workspace, who.username, view_id, at=at):
            what = f"You have no view {view_id}."
            raise Unknown(what, remedy="See the list of your views.")
