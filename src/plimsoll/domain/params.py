"""The frozen base of every stage's options: validated when made, typos answered."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from plimsoll.domain.errors import SettingError, did_you_mean


class Params(BaseModel):
    """Options of one stage, frozen; unknown names and values out of range are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def read(cls, values: dict[str, Any], section: str) -> Self:
        """Return the options made from a section of the settings file.

        Raises SettingError with the option's name, the value, what is allowed and what the option
        means, or with the nearest known name for a typo.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            if first["type"] == "extra_forbidden":
                what = f"There is no setting '{name}' in section [{section}]."
                remedy = did_you_mean(name, cls.model_fields) or f"Known: {', '.join(cls.model_fields)}."
                raise SettingError(what, remedy=remedy) from error
            if not name:
                what = f"The settings of section [{section}] are not usable together: {complaint(first)}."
                raise SettingError(what, remedy="Correct one of them.") from error
            what = f"Setting [{section}] {name} = {first.get('input')!r} is not usable: {complaint(first)}."
            field = cls.model_fields[str(first["loc"][0])]
            raise SettingError(what, remedy=f"It means: {field.description}.") from error


def complaint(error: ErrorDetails) -> str:
    """Return what a validation says is wrong, as the end of a sentence in words of this project."""
    if error["type"] == "string_pattern_mismatch":
        return f"it should be one of {error['ctx']['pattern'].strip('^()$').replace('|', ', ')}"
    message = error["msg"].removeprefix("Value error, ").rstrip(".")
    return f"it {message.removeprefix('Input ')}" if message.startswith("Input ") else message
