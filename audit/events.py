"""The events of the log, as data: adding one is adding one row.

A row names the log it belongs to, the fields of its details with their kinds, whether the entry has a subject, and its
meaning in plain English. `audit.vocabulary` holds entries to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from audit.fields import (
    ANY_ITEMS,
    CODE,
    CODES,
    COMMITMENT,
    COUNT,
    DATA_DATE,
    DATE,
    ID,
    ID_OR_NONE,
    ITEM,
    ITEMS,
    SHA256,
    SHA256_OR_NONE,
    TIME,
)

SERVICE_LOG: Final = "service"
"""The id of the one log that belongs to no inspection; every other log is named by its inspection's id."""

NONE, OPTIONAL, REQUIRED = "none", "optional", "required"
IN_SERVICE, IN_INSPECTION, IN_BOTH = "service", "inspection", "both"


@dataclass(frozen=True, slots=True)
class Event:
    """One row: the event's name, its log, its sentence, its fields and whether the entry names a subject.

    `about` lists the fields that may hold the identifier of what the event is about, the first that is not None
    counting: what a search by subject finds. It is empty when the entry has a subject of its own.
    """

    name: str
    log: str
    meaning: str
    fields: Mapping[str, str] = field(default_factory=dict)
    subject: str = NONE
    about: tuple[str, ...] = ()


_DOCUMENT = ("document",)
_BREACH = ("breach",)
_REFUSED = {"permission": CODE, "reason": CODE, "route": CODE}
_NOTE = {"note": CODE, "commitment": COMMITMENT}
_RELEASE = {"release": ID, "document": ID}
_RANGE = {"range_start": COUNT, "range_stop": COUNT}
_MEMBER = {"person": ID, "role": CODE}
_ASSIGNMENT = {"item": ITEM, "person": ID}
_FILE = {"size": COUNT, "sha256": SHA256}

LOG_CLOSED: Final = "log:closed"
"""The event after which a log takes no entry."""

_ROWS: Final = (
    # The service's own log
    Event("log:opened", IN_SERVICE, "The log of {subject} was opened.", subject=REQUIRED),
    Event(
        "log:disposed",
        IN_SERVICE,
        "The log of {subject} was disposed of whole: {tree_size} entries, root hash {root}.",
        {"tree_size": COUNT, "root": SHA256},
        REQUIRED,
    ),
    Event(
        "log:disposal-approved",
        IN_SERVICE,
        "{actor} approved the disposal of the log of {subject}, giving a reason.",
        {"commitment": COMMITMENT},
        REQUIRED,
    ),
    Event(
        "closed-log:acted",
        IN_SERVICE,
        "{actor} acted in {subject}, whose log is closed: {act}, about {about}.",
        {"act": CODE, "about": ID, "commitment": SHA256_OR_NONE},
        REQUIRED,
    ),
    Event(
        "key:rotated",
        IN_SERVICE,
        "Version {key_version} of the key-encryption key came into use.",
        {"key_version": COUNT},
    ),
    Event("account:created", IN_SERVICE, "{actor} created the account of {subject}.", subject=REQUIRED),
    Event("account:invited", IN_SERVICE, "{actor} invited {subject}.", subject=REQUIRED),
    Event(
        "account:reset-agreed", IN_SERVICE, "{actor} agreed to a reset of the account of {subject}.", subject=REQUIRED
    ),
    Event("account:activated", IN_SERVICE, "{subject} accepted the invitation and set a password.", subject=REQUIRED),
    Event("account:disabled", IN_SERVICE, "{actor} disabled the account of {subject}.", subject=REQUIRED),
    Event("account:enabled", IN_SERVICE, "{actor} enabled the account of {subject}.", subject=REQUIRED),
    Event("account:erased", IN_SERVICE, "The name and address of {subject} were erased.", subject=REQUIRED),
    Event("password:changed", IN_SERVICE, "The password of {subject} was changed by {actor}.", subject=REQUIRED),
    Event("second-factor:enrolled", IN_SERVICE, "{subject} set up a second factor.", subject=REQUIRED),
    Event("second-factor:reset", IN_SERVICE, "{actor} reset the second factor of {subject}.", subject=REQUIRED),
    Event("sign-in:succeeded", IN_SERVICE, "{subject} signed in.", subject=REQUIRED),
    Event("sign-in:refused", IN_SERVICE, "A sign-in as {subject} was refused: {reason}.", {"reason": CODE}, OPTIONAL),
    Event(
        "sign-in:throttled", IN_SERVICE, "Sign-in as {subject} was held back after too many attempts.", subject=OPTIONAL
    ),
    Event("sign-out:done", IN_SERVICE, "{subject} signed out.", subject=REQUIRED),
    Event("sign-out:everywhere", IN_SERVICE, "Every session of {subject} was ended by {actor}.", subject=REQUIRED),
    Event("role:granted-service", IN_SERVICE, "{actor} gave {subject} the role {role}.", {"role": CODE}, REQUIRED),
    Event("legal-note:answered", IN_SERVICE, "{actor} answered the legal note {note}.", _NOTE),
    Event("legal-note:waived", IN_SERVICE, "{actor} waived the legal note {note}, giving a reason.", _NOTE),
    Event("alarm:raised", IN_SERVICE, "An alarm was raised: {kind}, about {subject}.", {"kind": CODE}, OPTIONAL),
    Event(
        "alarm:cleared",
        IN_SERVICE,
        "{actor} cleared an alarm, giving a reason: {kind}, about {subject}.",
        {"kind": CODE, "commitment": COMMITMENT},
        OPTIONAL,
    ),
    Event(
        "log:damage-found",
        IN_SERVICE,
        "The log of {subject} was found not to be as it was written, from entry {index} on: {damage}.",
        {"index": COUNT, "damage": CODE},
        REQUIRED,
    ),
    Event(
        "witness:refused",
        IN_SERVICE,
        "The witness with the key {witness} refused the signed state of {tree_size} entries of the log of {subject}: "
        "{reason}.",
        {"witness": CODE, "tree_size": COUNT, "reason": CODE},
        REQUIRED,
    ),
    # Both: refusals are recorded where the object belongs, in the service's log when there is none
    Event(
        "access:refused",
        IN_BOTH,
        "{actor} tried to {permission} and was refused: {reason}.",
        {**_REFUSED, "document": ID_OR_NONE},
        about=_DOCUMENT,
    ),
    Event(
        "log:given-up",
        IN_SERVICE,
        "The log of {subject} is gone; {signed_size} entries of it were signed. {actor} gave it up, giving a reason.",
        {"signed_size": COUNT, "commitment": COMMITMENT},
        REQUIRED,
    ),
    Event(
        "log:continued",
        IN_BOTH,
        "{actor} had the log go on under a new origin (generation {generation}) from {from_size} entries, giving a "
        "reason; {signed_size} had been signed for.",
        {"from_size": COUNT, "signed_size": COUNT, "generation": COUNT, "commitment": COMMITMENT},
    ),
    # An inspection and its people
    Event(
        "inspection:opened",
        IN_INSPECTION,
        "{actor} opened a {kind} inspection, notified on {notified_on}, asking for {items} of catalogue {catalogue}.",
        {"kind": CODE, "notified_on": DATE, "catalogue": CODE, "items": ITEMS},
    ),
    Event("inspection:fieldwork-ended", IN_INSPECTION, "{actor} recorded that fieldwork ended on {on}.", {"on": DATE}),
    Event(
        "inspection:report-issued", IN_INSPECTION, "{actor} recorded that the report was issued on {on}.", {"on": DATE}
    ),
    Event("inspection:closed", IN_INSPECTION, "{actor} closed the inspection."),
    Event("member:added", IN_INSPECTION, "{actor} made {person} a member, as {role}.", _MEMBER, about=("person",)),
    Event(
        "member:removed",
        IN_INSPECTION,
        "{actor} ended the membership of {person} as {role}.",
        _MEMBER,
        about=("person",),
    ),
    Event("item:assigned", IN_INSPECTION, "{actor} assigned item {item} to {person}.", _ASSIGNMENT, about=("person",)),
    Event(
        "item:unassigned", IN_INSPECTION, "{actor} took item {item} back from {person}.", _ASSIGNMENT, about=("person",)
    ),
    Event(
        "deadline:moved",
        IN_INSPECTION,
        "{actor} moved the deadline of item {item} to {due}, giving a reason.",
        {"item": ITEM, "due": TIME, "commitment": COMMITMENT},
    ),
    # Support: whoever acts from outside on what an inspection depends on says why
    Event(
        "support:acted",
        IN_INSPECTION,
        "Support by {actor}: {act}, of {person}. Reason given: {support}.",
        {"act": CODE, "person": ID, "support": ID, "commitment": COMMITMENT},
        about=("person",),
    ),
    Event(
        "host:acted",
        IN_INSPECTION,
        "{actor} acted on what this inspection depends on: {act}. Reason given: {support}.",
        {"act": CODE, "support": ID, "commitment": COMMITMENT},
        about=("support",),
    ),
    # Submissions
    Event(
        "submission:accepted",
        IN_INSPECTION,
        "{actor} submitted document {document} ({kind}, {size} bytes) for {items}. Date of its data: {data_date}.",
        {
            "document": ID,
            "items": ITEMS,
            **_FILE,
            "kind": CODE,
            "data_date": DATA_DATE,
            "name_commitment": COMMITMENT,
            "title_commitment": COMMITMENT,
        },
        about=_DOCUMENT,
    ),
    Event(
        "submission:refused",
        IN_INSPECTION,
        "A file that {actor} sent for {items} was refused: {reason}.",
        {"reason": CODE, "items": ANY_ITEMS},
    ),
    Event(
        "submission:checked",
        IN_INSPECTION,
        "Document {document} was read back from the store and is whole.",
        {"document": ID, "sha256": SHA256},
        about=_DOCUMENT,
    ),
    Event(
        "submission:check-failed",
        IN_INSPECTION,
        "Document {document} was read back from the store and is not what was received.",
        {"document": ID, "expected": SHA256, "found": SHA256_OR_NONE},
        about=_DOCUMENT,
    ),
    Event(
        "receipt:viewed",
        IN_INSPECTION,
        "{actor} viewed the receipt of document {document}.",
        {"document": ID},
        about=_DOCUMENT,
    ),
    Event(
        "receipt:exported",
        IN_BOTH,
        "{actor} took the receipt of entry {leaf_index} (form: {form}).",
        {"leaf_index": COUNT, "form": CODE},
    ),
    Event("list:viewed", IN_INSPECTION, "{actor} viewed the list of what has come for {items}.", {"items": ANY_ITEMS}),
    # Releases: recorded before the first byte, and again at the end
    Event(
        "release:started",
        IN_INSPECTION,
        "{actor} was given document {document}, bytes {range_start} up to {range_stop}.",
        {**_RELEASE, **_RANGE},
        about=("document",),
    ),
    Event(
        "release:completed",
        IN_INSPECTION,
        "The download of document {document} by {actor} was completed ({bytes} bytes).",
        {**_RELEASE, "bytes": COUNT},
        about=("document",),
    ),
    Event(
        "release:broken-off",
        IN_INSPECTION,
        "The download of document {document} by {actor} broke off after {bytes} bytes.",
        {**_RELEASE, "bytes": COUNT},
        about=("document",),
    ),
    # Retention
    Event(
        "hold:placed",
        IN_INSPECTION,
        "{actor} placed the hold {hold} on the {scope} {document}, giving a reason.",
        {"hold": ID, "scope": CODE, "document": ID_OR_NONE, "commitment": COMMITMENT},
        about=("document", "hold"),
    ),
    Event(
        "hold:lifted",
        IN_INSPECTION,
        "{actor} lifted the hold {hold}, giving a reason.",
        {"hold": ID, "commitment": COMMITMENT},
        about=("hold",),
    ),
    Event(
        "disposal:started",
        IN_INSPECTION,
        "The disposal of document {document} began under the rule {rule}: certificate {certificate}.",
        {"document": ID, "certificate": ID, "rule": CODE, **_FILE},
        about=_DOCUMENT,
    ),
    Event(
        "disposal:done",
        IN_INSPECTION,
        "Document {document} was disposed of under the rule {rule}: certificate {certificate}.",
        {"document": ID, "certificate": ID, "rule": CODE, **_FILE},
        about=_DOCUMENT,
    ),
    Event(
        "disposal:failed",
        IN_INSPECTION,
        "The disposal of document {document} failed: {reason}.",
        {"document": ID, "reason": CODE},
        about=_DOCUMENT,
    ),
    Event(
        "inspection-key:destroyed",
        IN_INSPECTION,
        "The inspection's key was destroyed; nothing of it can be opened again.",
    ),
    Event(LOG_CLOSED, IN_INSPECTION, "The log was closed; no entry follows this one."),
    # Oversight
    Event("trail:viewed", IN_BOTH, "{actor} viewed the trail, filtered by: {filters}.", {"filters": CODES}),
    Event(
        "trail:verified",
        IN_BOTH,
        "{actor} had {tree_size} entries of the log verified: {result}.",
        {"tree_size": COUNT, "result": CODE},
    ),
    Event("evidence:exported", IN_BOTH, "{actor} exported the evidence for {tree_size} entries.", {"tree_size": COUNT}),
    Event(
        "log:asked",
        IN_INSPECTION,
        "{actor} asked the log: {question}, over {tree_size} entries.",
        {"question": CODE, "tree_size": COUNT},
    ),
    Event(
        "alert:tuned",
        IN_SERVICE,
        "{actor} changed the alert setting {setting} from {old} to {new}.",
        {"setting": CODE, "old": COUNT, "new": COUNT},
    ),
    Event("access-list:viewed", IN_BOTH, "{actor} viewed the list of who has access."),
    Event(
        "checkpoint:downloaded",
        IN_BOTH,
        "{actor} downloaded the signed checkpoint of {tree_size} entries.",
        {"tree_size": COUNT},
    ),
    Event(
        "checkpoint:checked",
        IN_BOTH,
        "{actor} had a kept checkpoint of {tree_size} entries checked: {result}.",
        {"tree_size": COUNT, "result": CODE},
    ),
    Event(
        "log:exported",
        IN_BOTH,
        "{actor} exported the log as {form}, {tree_size} entries.",
        {"tree_size": COUNT, "form": CODE},
    ),
    # Disclosure: what leaves the trail, what one person is told, and breaches
    Event(
        "trail:exported",
        IN_BOTH,
        "{actor} exported the trail as {form}, filtered by: {filters}, up to {tree_size} entries.",
        {"form": CODE, "filters": CODES, "tree_size": COUNT},
    ),
    Event(
        "feed:started",
        IN_SERVICE,
        "{actor} began to feed the logs to a receiver: {receiver}.",
        {"receiver": CODE},
    ),
    Event(
        "subject-access:prepared",
        IN_BOTH,
        "{actor} prepared what is held about {person}, up to {tree_size} entries.",
        {"person": ID, "tree_size": COUNT},
        about=("person",),
    ),
    Event(
        "breach:recorded",
        IN_INSPECTION,
        "{actor} recorded the breach {breach}, known since {aware_at}, concerning {documents} documents.",
        {"breach": ID, "aware_at": TIME, "documents": COUNT, "commitment": COMMITMENT},
        about=_BREACH,
    ),
    Event(
        "breach:changed",
        IN_INSPECTION,
        "{actor} changed what is recorded of the breach {breach}: {parts}.",
        {"breach": ID, "parts": CODES, "commitment": COMMITMENT},
        about=_BREACH,
    ),
    Event(
        "breach:reported",
        IN_INSPECTION,
        "{actor} recorded that the breach {breach} was told to {told} on {told_at}.",
        {"breach": ID, "told": CODE, "told_at": TIME, "commitment": COMMITMENT},
        about=_BREACH,
    ),
    Event(
        "breach:closed",
        IN_INSPECTION,
        "{actor} closed the breach {breach}, giving a reason.",
        {"breach": ID, "commitment": COMMITMENT},
        about=_BREACH,
    ),
    Event("breach:viewed", IN_INSPECTION, "{actor} viewed the breach {breach}.", {"breach": ID}, about=_BREACH),
    Event(
        "breach:exported",
        IN_INSPECTION,
        "{actor} exported the record of the breach {breach} as {form}.",
        {"breach": ID, "form": CODE},
        about=_BREACH,
    ),
)

VOCABULARY: Final[Mapping[str, Event]] = {event.name: event for event in _ROWS}
