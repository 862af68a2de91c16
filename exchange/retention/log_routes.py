"""Pages about the logs of inspections that are over: when each may go, the review, the certificate."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, flash, redirect, render_template, url_for

from exchange.access.guard import requires
from exchange.access.roles import Permission
from exchange.clock import in_london
from exchange.errors import InvalidError
from exchange.receipts.addresses import receipt_files
from exchange.receipts.pdf import can_render
from exchange.receipts.service import find_evidence
from exchange.retention.forms import ApproveLogDisposalForm
from exchange.retention.log_disposal import approve_log_disposal
from exchange.retention.log_queries import closed_logs, get_closed_log
from exchange.trail import SERVICE_LOG
from exchange.web.form_pages import Page, form_page, show_error
from exchange.web.identity import parts, signed_in

log_ends = Blueprint("log_ends", __name__)


@log_ends.get("/service/logs")
@requires(Permission.REVIEW_CLOSED_LOGS)
def list_logs() -> str:
    """List the logs that were closed, and what is to be done about each."""
    with parts().database.read() as session:
        rows = closed_logs(session, parts().schedule, parts().catalogue, _today())
    return render_template("retention/closed_logs.html", logs=rows, rule=parts().schedule.row("E"))


@log_ends.route("/service/logs/<log_id>", methods=["GET", "POST"], endpoint="log")
@requires(Permission.REVIEW_CLOSED_LOGS)
def show_log(log_id: str) -> Page:
    """Show how a closed log stands; approve its disposal when it is due; its certificate once it is gone."""
    form = ApproveLogDisposalForm()
    if form.validate_on_submit():
        try:
            with parts().database.unit_of_work() as unit:
                approve_log_disposal(
                    unit,
                    parts().schedule,
                    inspection_id=log_id,
                    reason=form.reason.data or "",
                    today=_today(),
                    actor=signed_in().person_id,
                )
        except InvalidError as error:
            show_error(form, error)
        else:
            flash("The disposal is approved. The log goes with the next run; a hold placed before still stops it.")
            return redirect(url_for("log_ends.log", log_id=log_id), 303)
    with parts().database.read() as session:
        log = get_closed_log(session, parts().schedule, parts().catalogue, log_id, _today())
        place = parts().trail.place_of(session, SERVICE_LOG, "log:disposed", log_id)
        evidence = place and find_evidence(session, parts().trail, SERVICE_LOG, place.leaf_index)
    files = receipt_files("receipts.service_entry_receipt", leaf_index=place.leaf_index) if place else {}
    return form_page(
        "retention/closed_log.html", form, log=log, evidence=evidence, files=files, can_render=can_render()
    )


def _today() -> date:
    return in_london(parts().clock()).date()
