"""Forms that other sites' pages send are refused, though they carry a good token; our own are taken."""

import pytest

from tests.exchange.visiting import PASSWORD, Browser
from tests.exchange.visiting_fixtures import MakePerson

OURS = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),  # what browsers send under our Referrer-Policy
        ({"Sec-Fetch-Site": "same-origin", "Origin": OURS}, 303),
        ({"Origin": OURS}, 303),
        ({}, 303),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": OURS}, 403),
        ({"Origin": "https://example.org"}, 403),
    ],
)
def test_a_form_is_taken_from_our_own_pages_only(
    client: Browser, make_person: MakePerson, headers: dict[str, str], status: int
) -> None:
    person = make_person()
    answer = client.send("/sign-in", {"email": person.email, "password": PASSWORD}, headers=headers)
    assert answer.status_code == status
