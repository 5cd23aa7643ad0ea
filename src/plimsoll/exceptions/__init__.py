"""Facts and plans to what needs a person today: one exception a cause, ranked by what waiting costs.

In: facts known on a day, the plan, the plan before and what became of earlier exceptions; out: tables
`exception`, `exception_part` and `plan_change`. A late supplier is one exception, however many orders of
its are late, and each unit of expected shortage is in one exception only.
"""

from plimsoll.exceptions.evidence import Evidence
from plimsoll.exceptions.find import Found, Options, find
from plimsoll.exceptions.params import ExceptionParams

__all__ = ["Evidence", "ExceptionParams", "Found", "Options", "find"]
