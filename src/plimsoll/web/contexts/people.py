"""What the pages around log-in and account receive."""

from dataclasses import dataclass
from typing import ClassVar

from plimsoll.domain.accounts import Token
from plimsoll.web.contexts.shell import Context


@dataclass(frozen=True, slots=True)
class LogIn(Context):
    """The log-in: `error` is what was wrong with the last try, `provider` the words of the other way in."""

    template: ClassVar[str] = "login.html"
    wanted: str
    username: str = ""
    error: str = ""
    remedy: str = ""
    has_password: bool = True
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Welcome(Context):
    """A one-time link: the first admin is made (`invited` empty), or a user sets a password."""

    template: ClassVar[str] = "welcome.html"
    code: str
    invited: str
    username: str = ""
    name: str = ""
    error: str = ""
    remedy: str = ""
    least: int = 12


@dataclass(frozen=True, slots=True)
class Account(Context):
    """A person's own account: password and API tokens; `secret` is a token's, shown this once."""

    template: ClassVar[str] = "account.html"
    tokens: tuple[Token, ...]
    roles: tuple[str, ...]
    longest_days: int
    has_password: bool
    secret: str = ""
    error: str = ""
    remedy: str = ""
