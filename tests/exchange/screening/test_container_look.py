import struct
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from exchange.screening.container_look import UNKNOWN_COMPOUND, look_inside

SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ZIP, CFB = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
Make = Callable[..., bytes]


@given(st.sampled_from([ZIP, CFB, b""]), st.binary(max_size=4096))
def test_no_bytes_make_the_look_fail(mark: bytes, rest: bytes) -> None:
    assert look_inside(mark + rest) is None or mark


@given(st.integers(0, 3000), st.integers(0, 255))
def test_no_damaged_byte_makes_the_look_fail(place: int, value: int) -> None:
    header = CFB + bytes(16) + struct.pack("<5H6x9I", 62, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, 0, 0, 0, 0)
    damaged = bytearray(header.ljust(3200, b"\x01"))
    damaged[place] = value
    look_inside(bytes(damaged))


def test_a_file_that_is_no_container_is_left_to_others() -> None:
    assert look_inside(b"%PDF-1.7") is None
    assert look_inside(b"") is None


def test_a_package_with_one_office_folder_is_told_by_it(make_archive: Make) -> None:
    assert look_inside(make_archive([("docProps/app.xml", b"x"), ("xl/workbook.xml", b"x")])) == SHEET
    assert look_inside(make_archive([("word/document.xml", b"x"), ("_rels/.rels", b"x")])) == WORD


def test_a_package_with_two_office_folders_is_not_guessed(make_archive: Make) -> None:
    assert (
        look_inside(make_archive([("_rels/.rels", b"x"), ("xl/workbook.xml", b"x"), ("word/document.xml", b"x")]))
        is None
    )


def test_a_workbook_inside_a_document_does_not_change_what_it_is(make_archive: Make) -> None:
    inner = make_archive([("[Content_Types].xml", b"x"), ("xl/workbook.xml", b"x")])
    outer = [("[Content_Types].xml", b"x"), ("word/embeddings/a.xlsx", inner), ("word/document.xml", b"x")]
    assert look_inside(make_archive(outer)) == WORD


def test_a_zip_that_inflates_without_end_is_read_in_bounds(make_archive: Make) -> None:
    bomb = make_archive([("[Content_Types].xml", bytes(200 * 1024 * 1024)), ("xl/workbook.xml", b"x")])
    assert look_inside(bomb) == SHEET


def test_a_header_that_ends_in_mid_air_ends_the_look(make_archive: Make) -> None:
    whole = make_archive([("docProps/app.xml", b"x"), ("xl/workbook.xml", b"x")])
    second = whole.index(ZIP, 4)
    for cut in range(len(ZIP), second + 30 + len("xl/workbook.xml")):
        assert look_inside(whole[:cut]) is None
    assert look_inside(whole[: second + 30 + len("xl/workbook.xml")]) == SHEET


def test_an_unknown_opendocument_type_is_not_guessed(make_archive: Make) -> None:
    assert look_inside(make_archive([("mimetype", b"application/vnd.oasis.opendocument.formula")])) is None


def test_a_compound_file_is_told_in_both_sector_sizes(make_compound: Make) -> None:
    assert look_inside(make_compound(["Workbook"], shift=9)) == "application/vnd.ms-excel"
    assert look_inside(make_compound(["Workbook"], shift=12)) == "application/vnd.ms-excel"


def test_a_directory_over_several_sectors_is_followed(make_compound: Make) -> None:
    names = [f"stream {place}" for place in range(40)] + ["WordDocument"]
    assert look_inside(make_compound(names, directory_at=5)) == "application/msword"


def test_a_compound_file_that_holds_none_of_our_streams_is_named_unknown(make_compound: Make) -> None:
    assert look_inside(make_compound(["SomethingElse"])) == UNKNOWN_COMPOUND
    assert look_inside(make_compound([])) == UNKNOWN_COMPOUND


def test_a_directory_that_is_cut_is_not_judged_by_what_is_missing(make_compound: Make) -> None:
    names = [f"stream {place}" for place in range(40)] + ["WordDocument"]
    assert look_inside(make_compound(names)[:-2048]) is None
    assert look_inside(make_compound(["Workbook"])[:600]) is None


def test_a_directory_that_runs_in_a_circle_ends(make_compound: Make) -> None:
    circling = bytearray(make_compound(["SomethingElse"]))
    struct.pack_into("<I", circling, 512 + 4, 1)  # the directory's sector follows itself
    assert look_inside(bytes(circling)) is None
