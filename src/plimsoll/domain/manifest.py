"""What a run was made of: version, parameters, input hashes, libraries, seed and day of knowledge."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that decides the result of a run; equal manifests give equal plans, byte for byte."""

    kind: str
    version: str
    as_of: date
    seed: int
    parameters: dict[str, Any]
    inputs: dict[str, str]
    libraries: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> str:
        """Return the manifest as canonical JSON: sorted keys, dates in ISO form."""
        return json.dumps(asdict(self), sort_keys=True, default=str, ensure_ascii=False, indent=1)

    @property
    def fingerprint(self) -> str:
        """The first 16 hex digits of the SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()[:16]
