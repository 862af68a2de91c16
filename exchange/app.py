"""`create_app(settings)`: the one place where the parts are joined into the web application."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, request
from flask_wtf.csrf import CSRFProtect
from govuk_frontend_wtf.main import WTFormsHelpers
from jinja2 import ChoiceLoader, PackageLoader, PrefixLoader
from werkzeug.wrappers import Response

from config.settings import Settings
from exchange.access.guard import RULE, AccessRule
from exchange.clock import Clock, utc_now
from exchange.parts import join_parts
from exchange.web.edge import Edge, EdgePolicy
from exchange.web.errors import init_errors
from exchange.web.headers import init_headers
from exchange.web.identity import init_identity, parts
from exchange.web.presentation import init_presentation

FORM_OVERHEAD = 16 * 2**20  # fields, boundaries and part headers around the files of one form
ORDINARY_FORM_BYTES = 512 * 1024
# Views that check the form token themselves, on the stream: reading the form here would spool the files to disk.
STREAMED = ("submissions.upload", "submissions.upload_item")
ALWAYS_ANSWERED = ("static", "service_pages.health", "service_pages.ready", "publishing.verifier")


def create_app(settings: Settings, clock: Clock = utc_now) -> Flask:
    """Build the application. Raises what `join_parts` raises."""
    app = Flask("exchange", template_folder="templates", static_folder="static", static_url_path="/assets")
    app.extensions["exchange"] = join_parts(settings, clock)
    _configure(app, settings)
    app.jinja_loader = ChoiceLoader(
        [
            PackageLoader("exchange"),
            PrefixLoader(
                {
                    "govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja"),
                    "govuk_frontend_wtf": PackageLoader("govuk_frontend_wtf"),
                }
            ),
        ]
    )
    WTFormsHelpers(app)
    CSRFProtect(app)
    init_identity(app)
    init_presentation(app)
    init_headers(app, https=settings.is_https)
    init_errors(app)
    app.before_request(deny_undeclared)
    app.before_request(refuse_foreign_sites)
    app.before_request(stop_while_rolled_back)
    for blueprint in blueprints():
        app.register_blueprint(blueprint)
    for endpoint in STREAMED:
        app.extensions["csrf"].exempt(app.view_functions[endpoint])
    _open_assets(app)
    limit = settings.max_file_bytes * settings.max_files_per_form + FORM_OVERHEAD
    app.wsgi_app = Edge(  # type: ignore[method-assign]  # the documented way to wrap an application
        app.wsgi_app, EdgePolicy.for_service(settings.public_url, settings.trusted_proxy, limit)
    )
    return app


def blueprints() -> list[Blueprint]:
    """The features, each with its own routes."""
    from exchange.accounts.people_routes import people  # noqa: PLC0415  features import the web edge, which this joins
    from exchange.accounts.routes import accounts  # noqa: PLC0415
    from exchange.disclosure.breach_routes import breach_pages  # noqa: PLC0415
    from exchange.disclosure.subject_routes import subject_access  # noqa: PLC0415
    from exchange.downloads.routes import downloads  # noqa: PLC0415
    from exchange.exports.routes import exports  # noqa: PLC0415
    from exchange.inspections.legal_note_routes import legal_notes  # noqa: PLC0415
    from exchange.inspections.routes import inspections  # noqa: PLC0415
    from exchange.inspections.team_routes import team  # noqa: PLC0415
    from exchange.oversight.access_routes import access_pages  # noqa: PLC0415
    from exchange.oversight.alert_routes import alert_pages  # noqa: PLC0415
    from exchange.oversight.answers_routes import answers  # noqa: PLC0415
    from exchange.oversight.desk_routes import officers_desk  # noqa: PLC0415
    from exchange.oversight.routes import oversight  # noqa: PLC0415
    from exchange.publishing.routes import publishing  # noqa: PLC0415
    from exchange.receipts.routes import receipts  # noqa: PLC0415
    from exchange.retention.log_routes import log_ends  # noqa: PLC0415
    from exchange.retention.routes import retention  # noqa: PLC0415
    from exchange.submissions.routes import submissions  # noqa: PLC0415
    from exchange.web.service_pages import service_pages  # noqa: PLC0415

    return [
        accounts,
        people,
        inspections,
        team,
        legal_notes,
        submissions,
        downloads,
        oversight,
        exports,
        breach_pages,
        subject_access,
        officers_desk,
        answers,
        alert_pages,
        access_pages,
        receipts,
        log_ends,
        publishing,
        retention,
        service_pages,
    ]


def deny_undeclared() -> None:
    """Answer 403 to any view that declares no access rule; a view is closed until somebody opens it."""
    if request.endpoint is None:
        return  # no such route: 404 or 405 follows
    from flask import current_app  # noqa: PLC0415  bound to the request

    view = current_app.view_functions[request.endpoint]
    if not isinstance(getattr(view, RULE, None), AccessRule):
        abort(403)


def stop_while_rolled_back() -> None:
    """Answer nothing but health and assets while the database holds less than was signed: what it shows is not so.

    Raises LogRolledBackError; costs a look at every log once in a process, and nothing from then on.
    """
    joined = parts()
    if joined.trail.is_settled or request.endpoint in ALWAYS_ANSWERED:
        return
    with joined.database.read() as session:
        joined.trail.require_settled(session.connection())


def refuse_foreign_sites() -> Response | None:
    """Refuse a change asked for by another site's page, where the browser says so (Sec-Fetch-Site, Origin)."""
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return None
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        # Under our own Referrer-Policy browsers send "Origin: null" with our own forms; this header tells them apart.
        if site not in {"same-origin", "none"}:
            abort(403)
    elif origin not in {None, "null"} and str(origin).rstrip("/") != request.host_url.rstrip("/"):
        abort(403)
    return None


def _open_assets(app: Flask) -> None:
    setattr(app.view_functions["static"], RULE, AccessRule(public="style sheets, scripts and images of the pages"))


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=settings.secret_key(),
        SESSION_COOKIE_NAME="__Host-session" if settings.is_https else "session",
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",  # Strict would drop the session on the first click in a mail
        SESSION_COOKIE_PATH="/",
        WTF_CSRF_TIME_LIMIT=None,  # the token lives as long as the session, which has its own limits
        WTF_CSRF_SSL_STRICT=False,  # pages send no referrer; Origin and Sec-Fetch-Site are checked instead
        MAX_FORM_MEMORY_SIZE=ORDINARY_FORM_BYTES,
        MAX_FORM_PARTS=500,
        TRAP_HTTP_EXCEPTIONS=False,
    )
    app.url_map.strict_slashes = True
