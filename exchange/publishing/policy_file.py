"""The witnesses that this service asks: the policy file of the settings, read once, refused with all that is wrong.

A policy's log lines are for its readers; this service knows its own logs and keys, and passes over them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from audit.errors import PolicyError
from audit.note import VerifierKey
from audit.policy import MAX_POLICY_BYTES, Policy, PolicyWitness, parse_policy
from config.settings import Settings, SettingsError

VARIABLE = "EXCHANGE_WITNESS_POLICY_FILE"
LONGEST_NAME = 255  # bytes; what the log keeps beside a cosignature


def load_policy(settings: Settings) -> Policy | None:
    """The policy without its logs; None when the settings name no file.

    Raises:
        SettingsError: the file cannot be read or used; the message lists everything that is wrong.
    """
    if settings.witness_policy_file is None:
        return None
    try:
        policy = parse_policy(_read(settings.witness_policy_file))
    except (PolicyError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise SettingsError([f"{VARIABLE}: {settings.witness_policy_file} cannot be used: {why}"]) from error
    problems = [f"{VARIABLE}: {problem}" for problem in _problems(policy)]
    if problems:
        raise SettingsError(problems)
    return replace(policy, logs=())


def name_of(witness: PolicyWitness) -> str:
    """The witness's name in the policy, as it can be shown."""
    return witness.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def identify(key: VerifierKey) -> str:
    """What a witness is known by in the database: SHA-256 of its verifier key, in hexadecimal."""
    return hashlib.sha256(str(key).encode()).hexdigest()


def _read(path: Path) -> bytes:
    with path.open("rb") as source:
        return source.read(MAX_POLICY_BYTES + 1)


def _problems(policy: Policy) -> list[str]:
    found = [] if policy.witnesses else ["the policy names no witness"]
    for witness in policy.witnesses:
        if not witness.url:
            found.append(f"the witness {name_of(witness)} has no URL, so it cannot be asked")
        elif not _is_address(witness.url):
            found.append(f"the URL of the witness {name_of(witness)} is not http(s)://HOST[:PORT][/PREFIX]")
        if len(witness.key.name.encode()) > LONGEST_NAME:
            found.append(f"the key of the witness {name_of(witness)} has a name of more than {LONGEST_NAME} bytes")
    names = Counter(witness.key.name for witness in policy.witnesses)
    return found + [f"two witnesses have keys of the name {name}" for name, count in names.items() if count > 1]


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return usable and url.isascii() and not parts.query and not parts.fragment and parts.username is None
