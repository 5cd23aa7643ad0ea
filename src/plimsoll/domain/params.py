"""The frozen base of every stage's options: validated when made, typos answered."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from plimsoll.domain.errors import SettingError, did_you_mean


class Params(BaseModel):
    """Options of one stage, frozen; unknown names and values out of range are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def read(cls, values: dict[str, Any], section: str) -> Self:
        """Return the options made from a section of the settings file.

        Raises SettingError with the option's name, the value, what is allowed, and the nearest
        known name for a typo.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            what = f"Setting [{section}] {name} = {first.get('input')!r} is not usable: {first['msg']}."
            raise SettingError(what, remedy=did_you_mean(name, cls.model_fields)) from error
