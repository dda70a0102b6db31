"""The settings of every Recoup process: environment over ``.env`` over ``recoup.toml``; a misspelt key is an error.

Nested settings are written ``RECOUP_STRIPE__API_KEY`` in the environment and ``[stripe] api_key`` in the file. The file is
``recoup.toml`` in the working directory, or what ``RECOUP_CONFIG`` names.
"""

from __future__ import annotations

import difflib
import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from recoup.errors import ConfigurationError
from recoup.integrations.settings import IntegrationSettings
from recoup.messages import Address, MailSettings, SmsSettings

PREFIX = "RECOUP_"
CONFIG_VARIABLE = "RECOUP_CONFIG"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StripeSettings(_Section):
    """The Stripe account."""

    api_key: SecretStr = SecretStr("")
    """A secret or restricted key, test or live."""
    api_base: str | None = None
    """Another address of Stripe's API: the sandbox's."""
    webhook_secrets: tuple[SecretStr, ...] = ()
    """Signing secrets of the webhook endpoint; several while one is being rolled."""
    timeout_seconds: Annotated[float, Field(gt=0, le=10)] = 8
    """For one request. All requests of an attempt, each tried three times, stay below the 600 s an activity may take."""
    portal_configuration: str | None = None
    """A customer portal configuration (``bpc_…``) other than the account's default."""
    sweep_requests_per_second: Annotated[float, Field(ge=1, le=100)] = 20
    """How many requests all work in the background together makes in any second; Stripe allows 100 live, 25 in a sandbox and to one endpoint."""


class TemporalSettings(_Section):
    """The Temporal service."""

    address: str = "127.0.0.1:7233"
    namespace: str = "default"
    api_key: SecretStr | None = None
    tls: bool = False
    ui_url: str | None = None
    """Where the Temporal UI is, for links."""
    profile: str | None = None
    """A profile of Temporal's own configuration, file and environment: then address, namespace, key and certificates are its."""
    payload_keys: tuple[SecretStr, ...] = ()
    """Keys under which Temporal keeps what cases carry, as ``NAME:base64``: the last one encrypts, all decrypt. None: it is kept as it is."""
    codec_token: SecretStr = SecretStr("")
    """What the codec server asks for."""
    deployment: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")] | None = None
    """The Worker Deployment that workers belong to; none where Temporal need not tell versions apart."""


class AccessSettings(_Section):
    """The company's own backend, told to suspend and to restore access by signed Standard Webhooks."""

    webhook_url: HttpUrl | None = None
    webhook_secret: SecretStr = SecretStr("")
    """``whsec_`` and base64, as the Standard Webhooks specification has it."""


class SweepSettings(_Section):
    """The sweep, which finds what no webhook told."""

    every_hours: Annotated[float, Field(ge=0, le=168)] = 6
    """How often it runs by itself; 0 for never."""
    max_age_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """Failed invoices older than this are left alone."""


class CardsSettings(_Section):
    """Cards before they fail: the mirror of them, and the reminders."""

    every_hours: Annotated[float, Field(ge=0, le=168)] = 24
    """How often the mirror is brought up to date and the reminders that are due are sent; 0 for never."""
    import_every_days: Annotated[int, Field(ge=1, le=365)] = 7
    """How often every subscription is read; in between webhooks tell what changes."""


class TimingSettings(_Section):
    """What is learned from the ledger about when to retry."""

    models: Path = Path("models")
    """The directory of learned models; all workers see the same one."""
    train_every_hours: Annotated[float, Field(ge=0, le=2160)] = 168
    """How often a model is trained anew; 0 for never."""


class FiguresSettings(_Section):
    """What things cost, for the report; prices in whole units of ``currency``, such as 0.0001."""

    currency: Annotated[str, Field(pattern=r"^[a-z]{3}$")] = "usd"
    email_cost: Annotated[Decimal, Field(ge=0)] | None = None
    """For a mail."""
    sms_cost: Annotated[Decimal, Field(ge=0)] | None = None
    """For a text message."""
    digest_to: tuple[Address, ...] = ()
    """Who gets the weekly digest: addresses of operators."""
    digest_hour: Annotated[int, Field(ge=0, le=23)] = 7
    """At which hour of Monday, in UTC."""
    digest_language: str = "en"
    network_fee: Annotated[Decimal, Field(ge=0)] | None = None
    """What the card networks charge for an attempt beyond their limits, by the contract with the acquirer."""


class StarterSettings(_Section):
    """The public web process."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8787
    max_body_bytes: Annotated[int, Field(gt=0)] = 1_000_000
    """A webhook larger than this is refused."""
    webhook_tolerance_seconds: Annotated[int, Field(gt=0)] = 300
    """How old, or how far in the future, a webhook's signature may be."""
    inbox: bool = False
    """Serve the outbox as a page under ``/inbox``; for trials only, it shows every mail."""


Port = Annotated[int, Field(ge=0, le=65535)]


class MetricsSettings(_Section):
    """Metrics for Prometheus, each process on a port of its own; none is served where no port is set."""

    host: str = "127.0.0.1"
    """The address to listen on: metrics are nobody else's business."""
    worker_port: Port | None = None
    starter_port: Port | None = None
    temporal_port: Port | None = None
    """The Temporal SDK's own, of the worker."""


class TracingSettings(_Section):
    """Traces over OpenTelemetry; needs ``recoup[tracing]``."""

    endpoint: Annotated[str, Field(pattern=r"^https?://")] | None = None
    """The collector's address for OTLP over HTTP, such as ``http://127.0.0.1:4318``; none: no traces are made."""


class OidcSettings(_Section):
    """Logging in to the console through the company's identity provider, by OpenID Connect."""

    issuer: str | None = None
    """The provider's address, exactly as its tokens name it. None: local accounts alone."""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    """What is asked for: ``openid``, and whatever has the provider put the claim of roles into its ID tokens."""
    roles_claim: str = "groups"
    """The claim of the ID token that says what somebody may do: its name, or a dotted path into it."""
    roles: dict[str, Literal["viewer", "operator", "admin"]] = {}
    """The role that each value of the claim gives; of several the highest."""
    name: Annotated[str, Field(max_length=60)] = ""
    """What the button calls the provider."""
    passwords: bool = True
    """Whether local accounts may still log in with their passwords."""


class ConsoleSettings(_Section):
    """The operators' console, a private web process."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8788
    public_url: str = "http://127.0.0.1:8788"
    """The address under which operators reach it; with https its cookies are sent over https alone."""
    session_hours: Annotated[float, Field(gt=0, le=720)] = 12
    """How long after logging in an operator has to log in again."""
    idle_minutes: Annotated[float, Field(gt=0, le=1440)] = 60
    """How long a session lasts that is not used."""
    refresh_seconds: Annotated[int, Field(ge=0, le=3600)] = 20
    """How long an open page waits for news before it is brought up to date without; with 0 no page brings itself up to date."""
    oidc: OidcSettings = OidcSettings()


class NoticeSettings(_Section):
    """The in-app notice, which the company's own product shows its customers."""

    secrets: tuple[SecretStr, ...] = ()
    """Keys shared with the company's backend: every one is accepted, so that one can be rolled. None: no notice is served."""
    origins: tuple[str, ...] = ()
    """The origins of front ends that may read it, as browsers write them: ``https://app.example.com``."""
    max_age_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """For how long a browser need not ask again."""


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        env_file=".env",
        toml_file="recoup.toml",
    )

    stripe: StripeSettings = StripeSettings()
    temporal: TemporalSettings = TemporalSettings()
    access: AccessSettings = AccessSettings()
    sweep: SweepSettings = SweepSettings()
    cards: CardsSettings = CardsSettings()
    timing: TimingSettings = TimingSettings()
    figures: FiguresSettings = FiguresSettings()
    starter: StarterSettings = StarterSettings()
    mail: MailSettings = MailSettings()
    sms: SmsSettings = SmsSettings()
    integrations: IntegrationSettings = IntegrationSettings()
    notice: NoticeSettings = NoticeSettings()
    metrics: MetricsSettings = MetricsSettings()
    tracing: TracingSettings = TracingSettings()

    console: ConsoleSettings = ConsoleSettings()
    database_url: str = "sqlite:///recoup.db"
    """SQLite (``sqlite:///file``) or PostgreSQL (``postgresql+psycopg://…``)."""
    policy_file: Path = Path("policy.yaml")
    public_url: str = "http://127.0.0.1:8787"
    """The address under which customers reach the starter; update links begin with it."""
    link_secrets: tuple[SecretStr, ...] = ()
    """Keys that sign update links: the last one signs, all are accepted."""
    address_secrets: tuple[SecretStr, ...] = ()
    """Keys under which addresses that bounced or complained are known again: the last one is used, all are looked for. None: ``link_secrets``."""
    clock_file: Path | None = None
    """A virtual clock for demo and tests; never set it on a real system."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over ``.env`` over the TOML file."""
        file = os.environ.get(CONFIG_VARIABLE)
        toml = (
            TomlConfigSettingsSource(settings_cls, Path(file))
            if file
            else TomlConfigSettingsSource(settings_cls)
        )
        return init_settings, env_settings, dotenv_settings, toml


def load_settings(**overrides: Any) -> Settings:
    """Read the settings.

    Raises:
        ConfigurationError: a key that does not exist, or a value that does not fit; the sentence names it.
    """
    file = os.environ.get(CONFIG_VARIABLE)
    if file and not Path(file).is_file():
        raise ConfigurationError(f"{CONFIG_VARIABLE} names {file}, which is not a file")
    _refuse_unknown_variables()
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise ConfigurationError(_sentence(error)) from error
    except ValueError as error:  # a file that is not TOML, a nested value that is not JSON
        raise ConfigurationError(f"The settings cannot be read: {error}") from error


def _known_keys(model: type[BaseModel], prefix: str = "") -> set[str]:
    known: set[str] = set()
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}".upper()
        known.add(key)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            known |= _known_keys(field.annotation, f"{key}__")
    return known


def _refuse_unknown_variables() -> None:
    known = {PREFIX + key for key in _known_keys(Settings)} | {CONFIG_VARIABLE}
    for name in os.environ:
        if (
            name.upper().startswith(PREFIX)
            and not name.upper().startswith("RECOUP_TEST_")
            and name.upper() not in known
        ):
            near = difflib.get_close_matches(name.upper(), known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ConfigurationError(f"The environment variable {name} is not a setting of Recoup{hint}")


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"The setting {place} does not exist: remove it or correct its spelling"
    return f"The setting {place} cannot be used: {first['msg']}"
