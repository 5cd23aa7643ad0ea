"""Options of deciding and sending: limits, acceptance by rule, the way out of the door."""

from datetime import datetime
from typing import Literal, TypeVar

from pydantic import Field, field_validator

from plimsoll.domain.params import Params
from plimsoll.store.workspace import Workspace

Grade = Literal["A", "B", "C", "D", "-"]
Class = Literal["A", "B", "C"]
Kind = Literal[
    "purchase", "transfer", "production", "transshipment", "return", "expedite", "postpone", "cancel"
]
AnyParams = TypeVar("AnyParams", bound=Params)


class ApprovalParams(Params):
    """Up to what money a line is decided by whom; a user's own limit goes before these."""

    planner_limit: float = Field(
        default=0.0,
        ge=0,
        description="Money a line above which a planner's decision waits for an approver; 0: none",
    )
    approver_limit: float = Field(
        default=0.0,
        ge=0,
        description="Money a line above which an approver's decision waits for an admin; 0: none",
    )


class AcceptParams(Params):
    """Which lines are accepted by rule after each plan; all conditions must hold."""

    enabled: bool = Field(default=False, description="Whether lines are accepted by rule")
    stopped: bool = Field(
        default=False, description="Acceptance by rule was stopped; a person sets it, at once in force"
    )
    classes: tuple[Class, ...] = Field(default=("B", "C"), description="Classes of items accepted by rule")
    kinds: tuple[Kind, ...] = Field(
        default=("purchase", "transfer", "production"), description="Kinds of lines accepted by rule"
    )
    max_value: float = Field(
        default=1000.0, ge=0, description="Money a line up to which it is accepted by rule"
    )
    min_confidence: Grade = Field(
        default="B", description="Least grade of confidence of lines accepted by rule; A is the most"
    )
    max_change: float = Field(
        default=0.3,
        ge=0,
        description="Largest change of the order-up-to level since the plan before, as share of it",
    )
    lines_at_once: int = Field(
        default=2000, ge=1, le=100_000, description="Lines a transaction; between two, a stop takes effect"
    )


class ExportParams(Params):
    """Where accepted lines go."""

    webhook_url: str = Field(
        default="", description="Address that each batch is sent to by POST, http or https; default: none"
    )
    webhook_seconds: float = Field(
        default=10.0, gt=0, le=120, description="Longest wait for an answer of that address, in seconds"
    )
    believe_days: int = Field(
        default=14,
        ge=0,
        le=365,
        description="Days of data after which an order sent but never seen in an import counts no more",
    )

    @field_validator("webhook_url")
    @classmethod
    def _is_web(cls, url: str) -> str:
        if url and not url.lower().startswith(("http://", "https://")):
            what = "should begin with http:// or https://"
            raise ValueError(what)
        return url


def in_force(workspace: Workspace, section: str, params: type[AnyParams], at: datetime) -> AnyParams:
    """Return one section's options: the file's, and over them what people set and has not expired."""
    people = workspace.parameters_in_force(at).get(section, {})
    return params.read(workspace.settings().get(section, {}) | people, section)
