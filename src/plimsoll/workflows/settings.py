"""The settings file as frozen options of every stage; unknown sections and names are refused."""

from datetime import datetime
from importlib.metadata import version
from typing import Any

from pydantic import Field

from plimsoll.audit.params import AuditParams
from plimsoll.bom.params import BomParams
from plimsoll.demand.params import DemandParams
from plimsoll.domain.errors import SettingError, did_you_mean
from plimsoll.domain.params import Params
from plimsoll.exceptions.params import ExceptionParams
from plimsoll.ingest.params import IngestParams
from plimsoll.learning.params import LearningParams
from plimsoll.lifecycle.params import LifecycleParams
from plimsoll.measure.capital_params import CapitalParams
from plimsoll.measure.kpi_params import KpiParams
from plimsoll.measure.params import MeasureParams
from plimsoll.network.params import NetworkParams
from plimsoll.pilot.params import PilotParams
from plimsoll.policy.params import PolicyParams
from plimsoll.replay.params import ReplayParams
from plimsoll.replenish.params import ReplenishParams
from plimsoll.scenarios.params import ScenarioParams
from plimsoll.signals.params import SignalParams
from plimsoll.store.database_url import DatabaseParams
from plimsoll.store.workspace import Workspace
from plimsoll.supply.params import SupplyParams
from plimsoll.targets.params import TargetParams
from plimsoll.workflows.decision_params import AcceptParams, ApprovalParams, ExportParams
from plimsoll.workflows.people_params import OidcParams, PeopleParams, WebParams

# What people do with results and how they come in; no result depends on these.
DOORS = frozenset({"database", "accept", "approval", "export", "people", "web", "oidc"})


class PlanParams(Params):
    """Options of the run as a whole."""

    seed: int = Field(default=1, ge=0, description="Seed of everything random; house rule")
    currency: str = Field(
        default="", description="Currency shown beside money, for example EUR; default: the mapping's"
    )


class Settings(Params):
    """All options, one section of the settings file a field."""

    plan: PlanParams = PlanParams()
    ingest: IngestParams = IngestParams()
    supply: SupplyParams = SupplyParams()
    demand: DemandParams = DemandParams()
    bom: BomParams = BomParams()
    lifecycle: LifecycleParams = LifecycleParams()
    targets: TargetParams = TargetParams()
    policy: PolicyParams = PolicyParams()
    network: NetworkParams = NetworkParams()
    replenish: ReplenishParams = ReplenishParams()
    measure: MeasureParams = MeasureParams()
    audit: AuditParams = AuditParams()
    signals: SignalParams = SignalParams()
    replay: ReplayParams = ReplayParams()
    exceptions: ExceptionParams = ExceptionParams()
    learning: LearningParams = LearningParams()
    scenarios: ScenarioParams = ScenarioParams()
    kpi: KpiParams = KpiParams()
    capital: CapitalParams = CapitalParams()
    pilot: PilotParams = PilotParams()
    accept: AcceptParams = AcceptParams()
    approval: ApprovalParams = ApprovalParams()
    export: ExportParams = ExportParams()
    database: DatabaseParams = DatabaseParams()
    people: PeopleParams = PeopleParams()
    web: WebParams = WebParams()
    oidc: OidcParams = OidcParams()

    def of_results(self) -> dict[str, Any]:
        """Return as plain data the options that a result depends on, for its manifest."""
        return self.model_dump(mode="json", exclude=set(DOORS))


def sections() -> dict[str, type[Params]]:
    """Return the options of each section by its name."""
    return {name: type(field.default) for name, field in Settings.model_fields.items()}


def read_settings(given: dict[str, dict[str, Any]]) -> Settings:
    """Return the settings from the sections of a settings file.

    Raises SettingError for a section or option that does not exist (with the nearest known name)
    and for a value out of range.
    """
    known = sections()
    for name in given:
        if name not in known:
            what = f"There is no section [{name}] in the settings."
            raise SettingError(what, remedy=did_you_mean(name, known) or f"Known: {', '.join(known)}.")
    return Settings.model_validate({name: known[name].read(values, name) for name, values in given.items()})


def settings_in_force(workspace: Workspace, at: datetime) -> Settings:
    """Return a workspace's settings: its file, and over it what people set and has not expired."""
    file, people = workspace.settings(), workspace.parameters_in_force(at)
    names = dict.fromkeys([*file, *people])
    return read_settings({name: file.get(name, {}) | people.get(name, {}) for name in names})


def libraries(*further: str) -> dict[str, str]:
    """Return the versions of the libraries whose sums decide a result, those named further included."""
    return {name: version(name) for name in ("polars", "numpy", "numba", "scipy", *further)}
