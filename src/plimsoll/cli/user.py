"""The commands of `plimsoll user`: who is let into the workbench and the API, and as what."""

import sys
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll.cli.console import emit, now

if TYPE_CHECKING:
    from plimsoll.domain.accounts import Account

user_app = typer.Typer(
    help="Let people into the workbench and the API: users, roles, what they see, API tokens.",
    no_args_is_help=True,
)

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The user name.")]
Stdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
Places = Annotated[
    list[str] | None, typer.Option("--location", help="A place the user sees; may be repeated. None: all.")
]
Categories = Annotated[
    list[str] | None, typer.Option("--category", help="A category the user sees; may be repeated. None: all.")
]
ROLE = "viewer, planner, approver or admin."


@user_app.callback()
def user(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
) -> None:
    """Let people into the workbench and the API: users, roles, what they see, API tokens."""
    context.obj = folder


@user_app.command()
def add(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    username: Name,
    role: Annotated[str, typer.Option("--role", help=ROLE)] = "viewer",
    name: Annotated[str | None, typer.Option("--name", help="The person's name.")] = None,
    email: Annotated[str, typer.Option("--email", help="Email address.")] = "",
    location: Places = None,
    category: Categories = None,
    limit: Annotated[
        float | None, typer.Option("--limit", help="Money a line up to which the user decides alone.")
    ] = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="None yet: a link, the provider, or tokens only.")
    ] = False,
    password_stdin: Stdin = False,
    json: Json = False,
) -> None:
    """Add a user; the password is asked for."""
    from plimsoll.workflows.people import add_user

    given = {
        "role": role,
        "name": name or username,
        "email": email,
        "locations": location or None,
        "categories": category or None,
        "approval_limit": limit,
    }
    password = None if no_password else _password(stdin=password_stdin)
    added = add_user(context.obj, username, given, _me(), at=now(), password=password)
    _show(added, json, done="is let in")


@user_app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the users."""
    from plimsoll.present import people
    from plimsoll.workflows.people import users

    found = users(context.obj, _me())
    emit(lambda: [people.user_data(one) for one in found], json, lambda to: people.show_users(found, to))


@user_app.command()
def role(
    context: typer.Context,
    username: Name,
    role: Annotated[str, typer.Argument(metavar="ROLE", help=ROLE)],
    json: Json = False,
) -> None:
    """Give a user another role; it counts from the next click."""
    _change(context, username, {"role": role}, json)


@user_app.command()
def scope(
    context: typer.Context,
    username: Name,
    location: Places = None,
    category: Categories = None,
    json: Json = False,
) -> None:
    """Set which places and categories a user sees and decides; what is not given is all."""
    _change(context, username, {"locations": location or None, "categories": category or None}, json)


@user_app.command()
def limit(
    context: typer.Context,
    username: Name,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="Money a line, or `role` for the role's.")],
    json: Json = False,
) -> None:
    """Set up to which money a line a user decides alone."""
    from plimsoll.domain.errors import InputError

    try:
        value = None if amount == "role" else float(amount)
    except ValueError as error:
        what = f"'{amount}' is not an amount."
        raise InputError(what, remedy="Give a number, or `role`.") from error
    _change(context, username, {"approval_limit": value}, json)


@user_app.command()
def password(
    context: typer.Context, username: Name, password_stdin: Stdin = False, json: Json = False
) -> None:
    """Set a user's password; all sessions of that user end."""
    from plimsoll.workflows.people import set_password

    set_password(context.obj, username, _password(stdin=password_stdin), _me(), at=now())
    _done(
        f"The password of {username} is set; all sessions of that user have ended.", {"user": username}, json
    )


@user_app.command()
def link(context: typer.Context, username: Name, json: Json = False) -> None:
    """Print a one-time path by which a user sets a password that nobody else sees."""
    from plimsoll.workflows.people import password_code

    path = f"/welcome?code={password_code(context.obj, username, _me(), at=now())}"
    _done(path, {"user": username, "path": path}, json)


@user_app.command()
def lock(context: typer.Context, username: Name, json: Json = False) -> None:
    """Lock a user out at once, with all sessions and tokens; nothing that was decided changes."""
    from plimsoll.workflows.people import lock_user

    _show(lock_user(context.obj, username, _me(), at=now()), json, done="is locked out")


@user_app.command()
def unlock(context: typer.Context, username: Name, json: Json = False) -> None:
    """Let a locked user in again."""
    from plimsoll.workflows.people import lock_user

    _show(lock_user(context.obj, username, _me(), at=now(), locked=False), json, done="is let in again")


@user_app.command()
def token(
    context: typer.Context,
    username: Name,
    label: Annotated[str, typer.Option("--name", help="What the token is for.")],
    days: Annotated[int, typer.Option("--days", help="Days for which it is good.")] = 90,
    role: Annotated[str | None, typer.Option("--role", help="At most the user's own; default: that.")] = None,
    location: Places = None,
    category: Categories = None,
    json: Json = False,
) -> None:
    """Make an API token for a user and print it, this once."""
    from plimsoll.present import people
    from plimsoll.workflows.people import make_token

    wanted = {"role": role, "locations": location or None, "categories": category or None}
    limits = {name: value for name, value in wanted.items() if value is not None}
    secret, made = make_token(context.obj, label, days, _me(), at=now(), limits=limits, username=username)
    emit(
        lambda: {"token": secret, "id": made.id, "expires_at": made.expires_at},
        json,
        lambda to: people.show_token(secret, made, to),
    )


@user_app.command()
def tokens(
    context: typer.Context,
    username: Annotated[str | None, typer.Argument(metavar="NAME", help="The user; default: all.")] = None,
    json: Json = False,
) -> None:
    """List API tokens, without their secrets."""
    from dataclasses import asdict

    from plimsoll.present import people
    from plimsoll.workflows import people as workflow

    found = workflow.tokens(context.obj, _me(), username=username, every=username is None)
    emit(lambda: [asdict(one) for one in found], json, lambda to: people.show_tokens(found, to))


@user_app.command()
def withdraw(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NO", help="The token's number, as listed.")],
    json: Json = False,
) -> None:
    """Take an API token out of use at once."""
    from plimsoll.workflows.people import withdraw_token

    gone = withdraw_token(context.obj, number, _me(), at=now())
    _done(f"Token {gone.id} '{gone.name}' of {gone.username} is withdrawn.", {"token": gone.id}, json)


def _me() -> Any:
    """Return who types: whoever may write the files may let people in."""
    from plimsoll.domain.people import owner

    return owner(getuser())


def _change(context: typer.Context, username: str, values: dict[str, Any], json: bool) -> None:
    from plimsoll.workflows.people import change_user

    _show(change_user(context.obj, username, values, _me(), at=now()), json, done="is changed")


def _show(user: "Account", json: bool, *, done: str) -> None:
    from plimsoll.present import people

    emit(lambda: people.user_data(user), json, lambda to: people.show_user(user, to, done=done))


def _done(text: str, data: dict[str, Any], json: bool) -> None:
    emit(lambda: data, json, lambda to: to.print(text, markup=False, soft_wrap=True))


def _password(*, stdin: bool) -> str:
    """Return a password from standard input, or typed twice; never from an argument, which others can see."""
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    from plimsoll.domain.errors import InputError

    what = "There is no terminal to ask for the password."
    raise InputError(what, remedy="Give --password-stdin and pipe it in, or --no-password.")
