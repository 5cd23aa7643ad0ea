"""The workspace: facts and results as Parquet; runs, parameters and people's decisions in a database."""

from plimsoll.store.records import ImportInForce, ParameterChange, RunRecord
from plimsoll.store.workspace import Workspace

__all__ = ["ImportInForce", "ParameterChange", "RunRecord", "Workspace"]
