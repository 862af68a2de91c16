"""The parts of the running service, joined once from the settings; the web application, worker and command share it.

Promises: nothing here reads the environment, knows Flask or makes a key; keys and tables are made by `exchange init`.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

from audit.log import AuditLog
from audit.policy import Policy
from audit.sql_store import SqlLogStore
from config.alerts import AlertTable, load_alerts
from config.catalogue import Catalogue, load_catalogue
from config.file_kinds import FileKinds, load_file_kinds
from config.legal_notes import LegalNotes, load_legal_notes
from config.retention import Schedule, load_schedule
from config.settings import Settings
from exchange.accounts.credentials import Credentials
from exchange.accounts.passwords import Passwords
from exchange.accounts.places import Places
from exchange.accounts.second_factor import SecondFactors
from exchange.accounts.sessions import Lifetimes
from exchange.accounts.sign_in import SignIn
from exchange.accounts.throttle import Throttle
from exchange.clock import Clock, utc_now
from exchange.database import Database
from exchange.publishing.policy_file import load_policy
from exchange.rollback import require_whole
from exchange.screening.type_probe import TypeProbe
from exchange.storage.local_folder import LocalFolderStore
from exchange.trail import Trail
from exchange.transfers import Turns
from exchange.vault import Vault
from keys.key_store import FolderKeyStore
from keys.keyring import Keyring
from keys.local_provider import LocalKeyProvider
from keys.signed_sizes import SignedSizes
from keys.signing import LogSigner


@dataclass(frozen=True)
class Parts:
    """Everything a request, a background duty or a command needs."""

    settings: Settings
    clock: Clock
    database: Database
    trail: Trail
    signed_sizes: SignedSizes
    witness_policy: Policy | None  # whom to ask for cosignatures; None asks nobody
    vault: Vault
    catalogue: Catalogue
    schedule: Schedule
    alerts: AlertTable
    file_kinds: FileKinds
    legal_notes: LegalNotes
    passwords: Passwords
    sign_in: SignIn
    credentials: Credentials
    throttle: Throttle
    places: Places
    type_probe: TypeProbe
    turns: Turns
    small_secrets_key: bytes  # seals second-factor secrets in the database


def join_parts(settings: Settings, clock: Clock = utc_now) -> Parts:
    """Open keys, store and database and join the parts.

    Raises:
        keys.errors.KeysError: a key file is missing or not protected; the message says which and what to do.
        SettingsError: the file of witnesses cannot be used.
    """
    secret = settings.secret_key()
    store = SqlLogStore()
    sizes = SignedSizes.open(settings.signed_sizes_file)
    log = AuditLog(store, LogSigner.open(settings.signing_key_file), clock, sizes)
    trail = Trail(log, store, settings.log_origin)
    trail.require_first(lambda connection: require_whole(trail, sizes, connection))
    database = Database(settings.connection_url(), clock, trail.append)
    keyring = Keyring(LocalKeyProvider.open(settings.provider_key_file), FolderKeyStore(settings.key_store_folder))
    passwords = Passwords(settings.argon2_at_once)
    throttle = Throttle(
        settings.sign_in_attempts, timedelta(minutes=settings.sign_in_window_minutes), derive_key(secret, "throttle")
    )
    places = Places(derive_key(secret, "places"))
    lifetimes = Lifetimes(timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours))
    second_factors = SecondFactors(derive_key(secret, "small-secrets"), required=not settings.example)
    return Parts(
        settings=settings,
        clock=clock,
        database=database,
        trail=trail,
        signed_sizes=sizes,
        witness_policy=load_policy(settings),
        vault=Vault(keyring, LocalFolderStore(settings.store_folder)),
        catalogue=load_catalogue(),
        schedule=load_schedule(),
        alerts=load_alerts(),
        file_kinds=load_file_kinds(),
        legal_notes=load_legal_notes(),
        passwords=passwords,
        sign_in=SignIn(database, passwords, throttle, lifetimes, second_factors, places),
        credentials=Credentials(database, passwords, throttle, second_factors, places),
        throttle=throttle,
        places=places,
        type_probe=TypeProbe(),
        turns=Turns(
            uploads=settings.max_open_uploads_per_person,
            downloads=settings.max_open_downloads_per_person,
            whole=settings.web_transfers,
        ),
        small_secrets_key=derive_key(secret, "small-secrets"),
    )


def derive_key(secret: bytes, purpose: str) -> bytes:
    """Return a 32-byte key for one purpose from the service's secret (HMAC-SHA-256 as in HKDF-Expand's first block)."""
    return hmac.new(secret, purpose.encode() + b"\x01", hashlib.sha256).digest()
