"""What people do with exceptions: own, snooze, close."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from plimsoll.domain.people import Person
from plimsoll.web import attention, day_page
from plimsoll.web.contexts.shell import Notice
from plimsoll.web.contexts.today import CardPart
from plimsoll.web.forms import Fields, fields
from plimsoll.web.pages import is_part, moved, page
from plimsoll.web.security import requires
from plimsoll.workflows.attention import work_exception

router = APIRouter(include_in_schema=False)
Worker = Annotated[Person, Depends(requires("work_exception"))]
Form = Annotated[Fields, Depends(fields)]


@router.post("/exceptions/work")
def work(request: Request, who: Worker, form: Form) -> Response:
    """Own, snooze, close or open an exception again, and show its card as it stands then."""
    state, at = request.app.state, request.app.state.clock()
    number = form.text("exception_id", 300)
    deed = attention.deed(form, who, at.date())
    work_exception(state.folder, number, who, version=form.whole("version"), at=at, **deed.changes)
    message = Notice("good", deed.words)
    if not is_part(request):
        return moved(request, form.text("back", 500), message)
    view = state.desk.today(who, at)
    found = (day_page.card(row, view, who) for row in view.exceptions if row["exception_id"] == number)
    part = CardPart(
        next(found, None), who.may("work_exception"), attention.ENDINGS, attention.pauses(at.date())
    )
    return page(request, part, messages=(message,))
