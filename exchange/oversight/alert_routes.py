"""The page on which the service's data protection officers tune the alerts."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for

from config.alerts import SWITCH, AlertSetting, ThresholdError
from exchange.access.guard import requires
from exchange.access.roles import Permission
from exchange.errors import InvalidError
from exchange.oversight.thresholds import thresholds_of, tune_alerts
from exchange.web.form_pages import Page
from exchange.web.identity import parts, signed_in

alert_pages = Blueprint("alert_pages", __name__)


@alert_pages.route("/service/alerts", methods=["GET", "POST"])
@requires(Permission.TUNE_ALERTS)
def thresholds() -> Page:
    """Show the thresholds, and take new ones."""
    if request.method != "POST":
        with parts().database.read() as session:
            values = thresholds_of(session, parts().alerts)
        return _page({code: str(value) for code, value in values.items()}, {})
    typed = {setting.code: _typed(setting) for setting in parts().alerts.settings}
    wanted, errors = _parsed(typed)
    if not errors:
        try:
            with parts().database.unit_of_work() as unit:
                changed = tune_alerts(unit, parts().alerts, wanted, actor=signed_in().person_id)
        except InvalidError as error:
            errors = {error.field: error.message}
        else:
            flash(
                "Nothing was changed." if not changed else "The alerts are tuned. Each change is an entry in the trail."
            )
            return redirect(url_for("alert_pages.thresholds"), 303)
    return _page(typed, errors), 400


def _typed(setting: AlertSetting) -> str:
    if setting.kind == SWITCH:
        return "1" if setting.code in request.form.getlist("on") else "0"
    return request.form.get(setting.code, "")


def _parsed(typed: dict[str, str]) -> tuple[dict[str, int], dict[str, str]]:
    """The numbers, and what is wrong with what is none, by code."""
    wanted, errors = {}, {}
    for setting in parts().alerts.settings:
        try:
            wanted[setting.code] = setting.parse(typed[setting.code])
        except ThresholdError as error:
            errors[error.code] = str(error)
    return wanted, errors


def _page(typed: dict[str, str], errors: dict[str, str]) -> str:
    return render_template("oversight/alerts.html", table=parts().alerts, typed=typed, errors=errors)
