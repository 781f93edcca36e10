import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from nightjar.contract.errors import BadInput
from nightjar.importers.loading import ImportCount
from tests.support.refusals import refused

ImportText = Callable[..., ImportCount]
Query = Callable[[str], list[tuple[Any, ...]]]
USERS = "select user_id, item_id from raw.interactions order by occurred_at, user_id"
TITLES = "select item_id, title from raw.items order by item_id"
REJECTED = "select line, content from raw.rejected_rows order by line"
PLAIN = b"user_id,item_id,occurred_at\nu1,i1,2026-03-01\nu2,i2,2026-03-02\n"


@pytest.mark.parametrize(
    "ends", [("\n", "\r\n", "\n"), ("\r\n", "\n", "\r\n"), ("\n", "\n", "\r"), ("\r", "\r", "\r"), ("\r\n", "\r\n", "")]
)
def test_line_ends_of_any_kind_and_mixture_are_read(
    read_text: ImportText, rows_of: Query, ends: tuple[str, ...]
) -> None:
    lines = ("user_id,item_id,occurred_at", "u1,i1,2026-03-01", "u2,i2,2026-03-02")
    assert read_text("".join(map("".join, zip(lines, ends, strict=True)))).added == 2
    assert rows_of(USERS) == [("u1", "i1"), ("u2", "i2")]


@pytest.mark.parametrize(("end", "inside"), [("\r\n", "\n"), ("\n", "\r\n"), ("\n", "\n"), ("\r\n", "\r\n")])
def test_a_quoted_cell_keeps_its_lines_and_rows_below_it_keep_the_line_of_the_file(
    read_text: ImportText, rows_of: Query, end: str, inside: str
) -> None:
    rows = ("item_id,title", f'1,"First line{inside}second, ""line"""', "2,Plain,more", "", "3,Last", "4")
    count = read_text(end.join(rows) + end, "items.csv", "items")
    assert (count.added, count.rejected) == (2, 2)
    assert rows_of(TITLES) == [("1", f'First line{inside}second, "line"'), ("3", "Last")]
    assert rows_of(REJECTED) == [(4, "2,Plain,more"), (7, "4")]


def test_a_quote_that_is_not_closed_is_refused_with_its_line(read_text: ImportText) -> None:
    with refused(BadInput, "unclosed_quote", line=3):
        read_text('item_id,title\r\n1,One\n2,"Two\n3,Three\n', "items.csv", "items")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_byte_order_mark_decides_the_encoding(read_text: ImportText, rows_of: Query, encoding: str) -> None:
    read_text("item_id\ttitle\r\n1\tÜber 商\r\n".encode(encoding), "items.txt", "items")
    assert rows_of(TITLES) == [("1", "Über 商")]


@pytest.mark.parametrize(("encoding", "title"), [("latin-1", "café"), ("cp1252", "“café”"), ("shift_jis", "商品")])
def test_other_encodings_are_read_if_named_and_refused_if_not(
    read_text: ImportText, rows_of: Query, encoding: str, title: str
) -> None:
    text = f"item_id,title\n1,{title}\n".encode(encoding)
    with refused(BadInput, "wrong_encoding", expected="utf-8"):
        read_text(text, "items.csv", "items")
    read_text(text, "items.csv", "items", encoding=encoding)
    assert rows_of(TITLES) == [("1", title)]


def test_the_refusal_names_the_encoding_that_fits_and_what_it_reads(read_text: ImportText) -> None:
    with refused(BadInput, "wrong_encoding", suggested="latin-1") as refusal:
        read_text("item_id,title\n1,café\n".encode("latin-1"), "items.csv", "items")
    assert repr("1,café") in str(refusal.value)
    with refused(BadInput, "wrong_encoding", suggested="cp1252"):
        read_text("item_id,title\n1,“x”\n".encode("cp1252"), "items.csv", "items")


def test_utf_16_without_its_mark_is_refused_with_its_name_and_read_by_it(read_text: ImportText, rows_of: Query) -> None:
    text = "item_id,title\n1,Über\n".encode("utf-16-le")
    with refused(BadInput, "wrong_encoding", suggested="utf-16-le"):
        read_text(text, "items.csv", "items")
    read_text(text, "items.csv", "items", encoding="utf-16-le")
    assert rows_of(TITLES) == [("1", "Über")]


def test_an_unknown_encoding_is_refused(read_text: ImportText) -> None:
    for encoding in ("latin-99", "base64"):
        with refused(BadInput, "unknown_encoding", value=encoding):
            read_text(PLAIN, encoding=encoding)


@pytest.mark.parametrize(
    ("file", "delimiter"),
    [
        *(("events.csv", each) for each in (",", ";", "\t", "|")),
        *(("events.txt", each) for each in (",", ";", "\t", "|", "::")),
        *((name, "\t") for name in ("events.tsv", "events.inter", "part-00000", "events.dat")),
    ],
)
def test_the_delimiter_is_found_in_the_names_of_columns(
    read_text: ImportText, rows_of: Query, file: str, delimiter: str
) -> None:
    read_text(PLAIN.decode().replace(",", delimiter), file)
    assert rows_of(USERS) == [("u1", "i1"), ("u2", "i2")]


def test_a_delimiter_of_several_characters_may_stand_inside_quotes(read_text: ImportText, rows_of: Query) -> None:
    read_text('item_id::title\r\n1::"a::b"\n', "items.dat", "items", delimiter="::")
    assert rows_of(TITLES) == [("1", "a::b")]


def test_a_file_without_a_header_has_columns_by_number(read_text: ImportText, rows_of: Query) -> None:
    columns = {"user_id": "1", "occurred_at": "2", "item_id": "3"}
    text = "u1,2026-03-01,i1,0\nu2,2026-03-02,i2,0\n"
    with refused(BadInput, "unknown_column", column="4"):
        read_text(text, "clicks.dat", header=False, columns=columns)
    read_text(text, "clicks.dat", header=False, columns=columns, ignores_other_columns=True)
    assert rows_of(USERS) == [("u1", "i1"), ("u2", "i2")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_backslash_may_stand_before_a_quote(read_text: ImportText, rows_of: Query, end: str) -> None:
    rows = (r'"ISBN";"Title"', r'"1";"A \"Myth\" \N"', r'"2";"Peter Pan: \"; x"', r'"3";"back\\"', r'"4";"a ""b"" c"')
    text = (end.join(rows) + end).encode()
    columns = {"item_id": "ISBN", "title": "Title"}
    read_text(text, "books.csv", "items", escape="\\", delimiter=";", columns=columns)
    assert rows_of(TITLES) == [("1", r'A "Myth" \N'), ("2", 'Peter Pan: "; x'), ("3", "back\\"), ("4", 'a "b" c')]


def test_typed_names_of_columns_lose_their_type(read_text: ImportText, rows_of: Query) -> None:
    read_text("user_id:token\titem_id:token\ttimestamp:float\nu\ti\t1000000000\n", "ml.inter")
    assert rows_of(USERS) == [("u", "i")]


def test_columns_with_other_names_constants_and_left_out_ones(read_text: ImportText, rows_of: Query) -> None:
    text = "visitorid,itemid,when,user_id\nv,i,2026-03-01,other\n"
    columns = {"user_id": "visitorid", "item_id": "itemid"}
    constants = {"occurred_at": "2026-03-05", "event_type": "it's"}
    read_text(text, columns=columns, constants=constants, ignores_other_columns=True)
    assert rows_of("select user_id, item_id, event_type, occurred_at from raw.interactions") == [
        ("v", "i", "it's", datetime(2026, 3, 5, tzinfo=UTC))
    ]


@pytest.mark.parametrize(
    ("options", "code", "fields"),
    [
        ({"columns": {"user_id": "who"}}, "missing_columns", {"column": "who", "unknown": ["user_id"]}),
        ({"columns": {"colour": "user_id"}}, "unknown_column", {"column": "colour", "table": "raw.interactions"}),
        ({"constants": {"colour": "red"}}, "unknown_column", {"column": "colour", "table": "raw.interactions"}),
        (
            {"columns": {"user_id": "a"}, "constants": {"user_id": "b"}},
            "column_and_constant",
            {"column": "user_id"},
        ),
        ({"constants": {"user_id": "b"}}, "unknown_column", {"column": "user_id"}),
    ],
)
def test_options_that_do_not_fit_the_file_are_refused(
    read_text: ImportText, options: dict[str, Any], code: str, fields: dict[str, Any]
) -> None:
    with refused(BadInput, code, **fields):
        read_text(PLAIN, **options)


def test_unknown_columns_are_refused_with_options_that_fit(read_text: ImportText, rows_of: Query) -> None:
    text = "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n"
    with refused(BadInput, "missing_columns") as refusal:
        read_text(text)
    assert str(refusal.value).endswith(" --columns user_id=visitorid,item_id=itemid --ignore-other-columns")
    read_text(text, columns={"user_id": "visitorid", "item_id": "itemid"}, ignores_other_columns=True)
    assert rows_of(USERS) == [("257597", "355908")]


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            # Of one date: every process of the tests makes the same bytes, and with them the same names of tests.
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def zstd(content: bytes) -> bytes:
    return pa.compress(content, "zstd", asbytes=True)


@pytest.mark.parametrize(
    ("ending", "pack"),
    [
        ("csv.gz", gzip.compress),
        ("csv.bz2", bz2.compress),
        ("csv.xz", lzma.compress),
        ("csv.zst", zstd),
        ("zip", lambda content: zipped({"events.csv": content})),
        ("csv.zip", lambda content: zipped({"data/events.csv": content, "__MACOSX/._events.csv": b"x"})),
    ],
)
def test_packed_files_are_read(
    read_text: ImportText, rows_of: Query, ending: str, pack: Callable[[bytes], bytes]
) -> None:
    assert read_text(pack(PLAIN), f"events.{ending}").added == 2
    assert read_text(pack(PLAIN.replace(b"\n", b"\r\n", 1)), f"events.{ending}").already_there == 2


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("e.zip", zipped({"a.csv": PLAIN, "b.csv": PLAIN}), "several_files_in_archive"),
        ("e.zip", PLAIN, "unreadable_file"),
        ("e.csv.bz2", PLAIN, "unreadable_file"),
        ("e.csv.xz", PLAIN, "unreadable_file"),
        ("e.csv.zst", PLAIN, "unreadable_file"),
        ("e.csv.zst", zstd(PLAIN * 100)[:-9], "unreadable_file"),
        ("e.xlsx", b"PK", "unknown_suffix"),
        ("e.tar.gz", gzip.compress(PLAIN, mtime=0), "unknown_suffix"),
        ("e.avro", b"Obj", "unknown_suffix"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_cannot_be_unpacked_or_read_is_named_with_the_fix(
    read_text: ImportText, tmp_path: Path, file: str, content: bytes, code: str
) -> None:
    with refused(BadInput, code, file=tmp_path / file):
        read_text(content, file)
