"""Options of letting people in; they stand in the settings file alone, out of reach of the workbench."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from plimsoll.domain.params import Params
from plimsoll.domain.people import ROLES

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def _is_safe_url(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    )


class PeopleParams(Params):
    """Options of log-ins, sessions and API tokens."""

    password_login: bool = Field(
        default=True, description="Whether users log in by password; false: by the provider of [oidc] alone"
    )
    idle_minutes: int = Field(
        default=120, ge=5, le=1440, description="Minutes without a click after which a session ends"
    )
    session_hours: int = Field(
        default=12, ge=1, le=720, description="Hours after log-in at which a session ends in any case"
    )
    token_days_max: int = Field(default=365, ge=1, le=365, description="Longest life of an API token in days")
    link_hours: int = Field(
        default=24, ge=1, le=168, description="Hours for which a one-time link to set a password is good"
    )
    free_attempts: int = Field(
        default=5,
        ge=1,
        le=50,
        description="Failed log-ins of a user name before each further one has to wait",
    )
    free_attempts_address: int = Field(
        default=30,
        ge=1,
        le=1000,
        description="Failed log-ins from an address before further ones have to wait",
    )
    longest_wait_minutes: int = Field(
        default=15, ge=1, le=1440, description="Longest wait after failed log-ins, in minutes"
    )


class WebParams(Params):
    """Options of the web server's door."""

    public_url: str = Field(
        default="",
        description="Address at which people reach the workbench, for example https://plimsoll.example.com; "
        "with https, cookies are sent over https alone. Default: that of each request",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="Host names under which the server answers; none: any"
    )
    body_limit_mb: float = Field(
        default=2.0, gt=0, le=100, description="Largest form or JSON body, in megabytes"
    )
    upload_limit_mb: float = Field(
        default=20.0, gt=0, le=1000, description="Largest uploaded file, in megabytes"
    )

    @field_validator("public_url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        if url and not _is_safe_url(url):
            message = "it should begin with https:// (http:// only on this machine)"
            raise ValueError(message)
        return url.rstrip("/")


class OidcParams(Params):
    """Options of log-in by an identity provider (OpenID Connect); off while `issuer` is empty."""

    issuer: str = Field(default="", description="Address of the provider, as in its discovery document")
    client_id: str = Field(default="", description="Name under which Plimsoll is registered there")
    label: str = Field(default="Log in with your company account", description="Words on the button")
    scopes: str = Field(default="openid profile email", description="Scopes asked for")
    username_claim: str = Field(
        default="preferred_username", description="Claim that gives a new user's name; else that of the email"
    )
    create_users: bool = Field(default=False, description="Whether an unknown person becomes a user")
    link_by_email: bool = Field(
        default=False,
        description="Whether a user who has the verified email address is taken to be that person",
    )
    default_role: str = Field(
        default="", description="Role of a new user whom no role claim gives one; empty: is not let in"
    )
    role_claim: str = Field(default="", description="Claim with groups or roles; empty: roles are set here")
    role_values: dict[str, tuple[str, ...]] = Field(
        default={}, description="For each role the values of that claim that give it"
    )
    allowed_domains: tuple[str, ...] = Field(
        default=(), description="Domains of verified email addresses that are let in; none: any"
    )

    @property
    def is_on(self) -> bool:
        """Whether a provider is configured."""
        return bool(self.issuer)

    @field_validator("issuer")
    @classmethod
    def _is_safe(cls, issuer: str) -> str:
        if issuer and not _is_safe_url(issuer):
            message = "it should begin with https:// (http:// only on this machine)"
            raise ValueError(message)
        return issuer

    @field_validator("default_role")
    @classmethod
    def _is_role(cls, role: str) -> str:
        if role and role not in ROLES:
            message = f"it should be one of {', '.join(ROLES)}, or empty"
            raise ValueError(message)
        return role

    @field_validator("role_values")
    @classmethod
    def _are_roles(cls, values: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        if strange := [role for role in values if role not in ROLES]:
            message = f"there is no role '{strange[0]}'; roles are {', '.join(ROLES)}"
            raise ValueError(message)
        return values

    @model_validator(mode="after")
    def _is_whole(self) -> "OidcParams":
        if self.issuer and not self.client_id:
            message = "issuer needs a client_id"
            raise ValueError(message)
        if self.role_claim and not self.role_values:
            message = "role_claim needs role_values"
            raise ValueError(message)
        return self
