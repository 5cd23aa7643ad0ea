"""The workspace: facts and results as Parquet; runs, parameters and people's decisions in a database."""

from plimsoll.store.records import Decision, ImportInForce, ParameterChange, RunRecord
from plimsoll.store.workspace import Workspace

__all__ = ["Decision", "ImportInForce", "ParameterChange", "RunRecord", "Workspace"]
