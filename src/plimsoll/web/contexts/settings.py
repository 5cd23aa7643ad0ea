"""What the pages of settings receive."""

from dataclasses import dataclass
from typing import ClassVar

from plimsoll.web.contexts.lists import Tab
from plimsoll.web.contexts.shell import Context


@dataclass(frozen=True, slots=True)
class OptionRow:
    """An option: its value in force and its default as text, where it comes from, who set it and why.

    `change` and `back` are the addresses at which it is set and put back, "" where that cannot be.
    """

    section: str
    name: str
    words: str
    meaning: str
    value: str
    default: str
    source: str
    who: str
    why: str
    until: str
    change: str
    back: str


@dataclass(frozen=True, slots=True)
class OptionGroup:
    """The options of a section; `is_open` where one of them is not the default or was looked for."""

    name: str
    words: str
    rows: tuple[OptionRow, ...]
    n_set: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class RulesPage(Context):
    """How lines are decided: acceptance by rule with its switch, limits, where accepted lines go."""

    template: ClassVar[str] = "settings/rules.html"
    tabs: tuple[Tab, ...]
    state: str
    state_words: str
    rule: tuple[tuple[str, str], ...]
    stopped_by: str
    can_stop: bool
    can_start: bool
    groups: tuple[OptionGroup, ...]
    can_set: bool


@dataclass(frozen=True, slots=True)
class OptionsPage(Context):
    """All options in force."""

    template: ClassVar[str] = "settings/options.html"
    tabs: tuple[Tab, ...]
    text: str
    only_set: bool
    n: int
    groups: tuple[OptionGroup, ...]
    can_set: bool


@dataclass(frozen=True, slots=True)
class OptionPart(Context):
    """The form in which an option is set, or put back; `choices` are its values, none for free text."""

    template: ClassVar[str] = "settings/option.html"
    row: OptionRow
    typed: str
    choices: tuple[str, ...]
    hint: str
    reason: str
    until: str
    wrong: str
    back: str
    puts_back: bool


@dataclass(frozen=True, slots=True)
class OptionPage(Context):
    """The same form as a page."""

    template: ClassVar[str] = "settings/option_page.html"
    form: OptionPart


@dataclass(frozen=True, slots=True)
class ViewRow:
    """A saved view: its name, list, what it asks, address, whether it is shared and whose it is."""

    id: int
    name: str
    list_words: str
    asks: str
    href: str
    shared: bool
    owner: str
    is_mine: bool


@dataclass(frozen=True, slots=True)
class ViewsPage(Context):
    """The saved views of a person and those that others share."""

    template: ClassVar[str] = "settings/views.html"
    tabs: tuple[Tab, ...]
    views: tuple[ViewRow, ...]


@dataclass(frozen=True, slots=True)
class ViewsMenu(Context):
    """The saved views of one list, for its menu."""

    template: ClassVar[str] = "settings/views_menu.html"
    views: tuple[ViewRow, ...]


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user as a list shows one."""

    username: str
    name: str
    email: str
    role: str
    scope: str
    limit: str
    way_in: str
    last_login: str
    is_locked: bool
    href: str


@dataclass(frozen=True, slots=True)
class UsersPage(Context):
    """The users, and the form that adds one; `given` is what was typed."""

    template: ClassVar[str] = "settings/users.html"
    tabs: tuple[Tab, ...]
    users: tuple[UserRow, ...]
    roles: tuple[str, ...]
    given: dict[str, str]
    wrong: str


@dataclass(frozen=True, slots=True)
class UserPage(Context):
    """One user: what can be changed, and the ways in; `link` sets a password and is shown this once."""

    template: ClassVar[str] = "settings/user.html"
    tabs: tuple[Tab, ...]
    user: UserRow
    version: int
    roles: tuple[str, ...]
    given: dict[str, str]
    told: tuple[tuple[str, str], ...]
    link: str
    is_self: bool
    wrong: str
