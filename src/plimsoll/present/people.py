"""Users and API tokens in the terminal, and as data for programs."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from plimsoll.domain.accounts import Account, Token
from plimsoll.present.numbers import DASH, money
from plimsoll.present.terminal import say, show_table

if TYPE_CHECKING:
    from rich.console import Console

EVERYTHING = "all"


def user_data(user: Account) -> dict[str, Any]:
    """Return a user as data."""
    return asdict(user)


def show_users(users: list[Account], console: "Console") -> None:
    """Print the users: name, role, scope and when each was last here."""
    if not users:
        say(console, "There is no user yet. Make the first: plimsoll user WORKSPACE add NAME --role admin")
        return
    rows = [
        [
            user.username,
            user.name,
            user.role,
            _scope(user.locations),
            _scope(user.categories),
            DASH if user.approval_limit is None else money(user.approval_limit),
            "locked" if user.locked_at else user.way_in,
            _moment(user.last_login_at),
        ]
        for user in users
    ]
    columns = ["User", "Name", "Role", "Places", "Categories", "Limit", "Logs in by", "Last log-in"]
    show_table(console, "", columns, [], rows)


def show_user(user: Account, console: "Console", *, done: str) -> None:
    """Print what became of a user.

    Parameters
    ----------
    done : what was done, fitting after the user's name
    """
    scopes = f"places: {_scope(user.locations)}, categories: {_scope(user.categories)}"
    say(console, f"{user.username} {done}: {user.role}, {scopes}.")
    if user.way_in == "none" and not user.locked_at:
        say(
            console,
            "There is no password: `plimsoll user WORKSPACE link NAME` gives a link to set one.",
            "dim",
        )


def show_tokens(tokens: list[Token], console: "Console") -> None:
    """Print API tokens, the latest first; the secrets are not known any more."""
    if not tokens:
        say(console, "There is no API token.")
        return
    rows = [
        [
            str(token.id),
            f"{token.start}…",
            token.username,
            token.name,
            token.role,
            f"{token.expires_at:%Y-%m-%d}",
            f"withdrawn by {token.withdrawn_by}" if token.withdrawn_at else _moment(token.last_used_at),
        ]
        for token in tokens
    ]
    columns = ["No", "Begins", "User", "Name", "Role", "Good until", "Last used"]
    show_table(console, "", columns, [], rows)


def show_token(secret: str, token: Token, console: "Console") -> None:
    """Print a new token's secret, this once, alone on its line so that it can be piped."""
    console.print(secret, markup=False, soft_wrap=True)
    text = f"Token {token.id} '{token.name}' of {token.username}: {token.role}"
    say(console, f"{text}, until {token.expires_at:%Y-%m-%d}. It is not shown again.", "dim")


def _scope(values: tuple[str, ...] | None) -> str:
    return EVERYTHING if values is None else ", ".join(values) or "none"


def _moment(at: datetime | None) -> str:
    return DASH if at is None else f"{at:%Y-%m-%d %H:%M}"
