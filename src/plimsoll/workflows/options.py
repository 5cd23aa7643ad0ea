"""The options in force with where each comes from; setting one over the settings file, and back."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from plimsoll.domain.accounts import plain
from plimsoll.domain.decisions import Unknown
from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.domain.params import Params
from plimsoll.domain.people import Person, require
from plimsoll.store.parameters import take_back
from plimsoll.store.records import ParameterChange
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.decision_params import AcceptParams, ApprovalParams, ExportParams
from plimsoll.workflows.settings import sections

DEFAULT, FILE, SET = "default", "file", "set"
# Who gets in and how is a matter of the settings file; the switch of acceptance by rule has its own way.
OUT_OF_REACH = ("people", "web", "oidc")
OWN_WAY = {("accept", "stopped"): "Stop or start acceptance by rule instead."}


@dataclass(frozen=True, slots=True)
class Option:
    """An option: its value in force, its default, and where the value comes from: default, file or set."""

    section: str
    name: str
    meaning: str
    value: Any
    default: Any
    source: str


def options(folder: Path, who: Person, *, at: datetime) -> list[Option]:
    """Return every option that the workbench may show, in the order of the settings."""
    require(who, "view")
    with Workspace.open(folder) as workspace:
        file, people = workspace.settings(), workspace.parameters_in_force(at)
    return [
        option
        for section, params in _sections().items()
        for option in _of(section, params, file.get(section, {}), people.get(section, {}))
    ]


def set_option(
    folder: Path,
    section: str,
    name: str,
    value: Any,
    who: Person,
    *,
    reason: str,
    at: datetime,
    expires_at: datetime | None = None,
) -> Option:
    """Set an option over the settings file; the next plan, or the next decision, reads it.

    Parameters
    ----------
    value : of the option's own type, as JSON has it
    expires_at : moment from which it counts no more

    Raises
    ------
    Unknown : there is no such option within reach
    SettingError : the value is not one that it takes
    InputError : without a reason, expired already, or an option with a way of its own
    Forbidden : the role does not allow it
    """
    require(who, "set")
    params = _known(section, name)
    why = plain(reason, "reason")
    _check_way(section, name)
    if expires_at is not None and expires_at <= at:
        what = f"It would have expired on {expires_at:%Y-%m-%d %H:%M}."
        raise InputError(what, done="Nothing was changed.", remedy="Give a later moment.")
    with Workspace.open(folder) as workspace:
        file, people = workspace.settings().get(section, {}), workspace.parameters_in_force(at)
        now = file | people.get(section, {})
        old = params.read(now, section).model_dump(mode="json")[name]
        new = params.read(now | {name: value}, section).model_dump(mode="json")[name]
        change = ParameterChange(section, name, old, new, who.username, why, expires_at)
        workspace.record_parameter(change, at=at)
    return _one(folder, section, name, who, at)


def put_back(folder: Path, section: str, name: str, who: Person, *, reason: str, at: datetime) -> Option:
    """Let the settings file, or else the default, say again what an option is.

    Raises
    ------
    Unknown : there is no such option within reach
    InputError : without a reason, nobody set it, or an option with a way of its own
    Forbidden : the role does not allow it
    """
    require(who, "set")
    params = _known(section, name)
    why = plain(reason, "reason")
    _check_way(section, name)
    with Workspace.open(folder) as workspace:
        file = params.read(workspace.settings().get(section, {}), section).model_dump(mode="json")
        was_set = take_back(workspace, section, name, file[name], author=who.username, reason=why, at=at)
    if not was_set:
        what = f"[{section}] {name} is not set over the settings file."
        raise InputError(what, done="Nothing was changed.", remedy="Load the page again.")
    return _one(folder, section, name, who, at)


def _one(folder: Path, section: str, name: str, who: Person, at: datetime) -> Option:
    return next(
        option for option in options(folder, who, at=at) if (option.section, option.name) == (section, name)
    )


def _check_way(section: str, name: str) -> None:
    if remedy := OWN_WAY.get((section, name)):
        what = f"[{section}] {name} is not set like this."
        raise InputError(what, done="Nothing was changed.", remedy=remedy)


def _sections() -> dict[str, type[Params]]:
    known = sections() | {"approval": ApprovalParams, "accept": AcceptParams, "export": ExportParams}
    return {name: params for name, params in known.items() if name not in OUT_OF_REACH}


def _known(section: str, name: str) -> type[Params]:
    known = _sections()
    names = [f"{each}.{field}" for each, params in known.items() for field in params.model_fields]
    if f"{section}.{name}" not in names:
        what = f"There is no option '{section[:40]}.{name[:60]}' to set here."
        raise Unknown(what, remedy=did_you_mean(f"{section[:40]}.{name[:60]}", names))
    return known[section]


def _of(section: str, params: type[Params], file: dict[str, Any], people: dict[str, Any]) -> list[Option]:
    """Return the options of a section; what it holds that cannot be read is told by `plimsoll doctor`."""
    usual = params().model_dump(mode="json")
    given = params.read(file | people, section).model_dump(mode="json")
    source = {name: SET if name in people else FILE if name in file else DEFAULT for name in usual}
    return [
        Option(section, name, field.description or "", given[name], usual[name], source[name])
        for name, field in params.model_fields.items()
    ]
