"""Options of the audit."""

from plimsoll.domain.params import Params


class AuditParams(Params):
    """When a fact is doubted; the section `[audit]` of the settings."""
