"""JSON that means one thing, or says where it does not."""

from pathlib import Path

import pytest

from lookright.data.exchange import strict_json
from lookright.data.exchange.links import file_of
from lookright.data.exchange.record import Record, as_record
from lookright.data.exchange.strict_json import parse_json, read_json
from lookright.errors import DataError


def problem(run):
    with pytest.raises(DataError) as caught:
        run()
    return caught.value.problems[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "'c' comes twice"),
        (b'{"a": NaN}', "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"[1, 2,]", "Not JSON"),
        (b'{"a": 1,}', "Not JSON"),
        (b"{'a': 1}", "Not JSON"),
        (b"", "Not JSON"),
        (b"[" * 100_000, "too deep"),
        (b"1" * 5000, "too many digits"),
        (b"\xff\xfe[\x00]\x00", "UTF-16"),
        (b'["\xe4"]', "not UTF-8"),
        (b"PK\x03\x04....", "ZIP"),
    ],
)
def test_MF18_keys_that_come_twice_and_all_that_is_no_json_are_errors(text: bytes, says: str):
    found = problem(lambda: parse_json(text, "a.json"))
    assert says in str(found)
    assert found.where.startswith("a.json")


def test_an_error_of_syntax_names_its_line():
    assert problem(lambda: parse_json(b"[1,\n2,\n\n]", "a.json")).where == "a.json line 4"


def test_a_byte_order_mark_is_no_error():
    assert parse_json(b"\xef\xbb\xbf[1]", "a.json") == [1]


def test_objects_are_shrunk_as_they_are_read(tmp_path: Path):
    seen = []

    def shrink(found):
        seen.append(dict(found))
        return {"was": len(found)}

    (tmp_path / "a.json").write_text('{"a": {"b": 1, "c": 2}}')
    assert read_json(tmp_path / "a.json", "a.json", shrink) == {"was": 1}
    assert seen == [{"b": 1, "c": 2}, {"a": {"was": 2}}]


def test_files_that_are_too_large_or_absent_are_refused(tmp_path: Path, monkeypatch):
    file = tmp_path / "a.json"
    assert problem(lambda: read_json(file, "a.json")).code == "FILE-MISSING"
    file.write_text("[1, 2]")
    monkeypatch.setattr(strict_json, "LARGEST", 5)
    assert problem(lambda: read_json(file, "a.json")).code == "JSON-LARGE"
    assert problem(lambda: read_json(tmp_path, "a.json")).code in ("FILE-MISSING", "IMG-KIND")


@pytest.mark.parametrize(
    ("read", "fields"),
    [
        (lambda r: r.number("a"), {"a": "x"}),
        (lambda r: r.number("a"), {"a": 1e999}),
        (lambda r: r.number("a"), {"a": 10**400}),
        (lambda r: r.number("a"), {"a": True}),
        (lambda r: r.whole("a"), {"a": 1.5}),
        (lambda r: r.whole("a"), {"a": 10**30}),
        (lambda r: r.text("a"), {"a": ""}),
        (lambda r: r.text("a"), {"a": 3}),
        (lambda r: r.text("a"), {"a": "\ud800"}),
        (lambda r: r.text("a"), {"a": "x\0y"}),
        (lambda r: r.text("a"), {"a": "x" * 5000}),
        (lambda r: r.text("a"), {}),
        (lambda r: r.key("a"), {"a": 1.5}),
        (lambda r: r.key("a"), {"a": False}),
        (lambda r: r.list("a"), {"a": {}}),
        (lambda r: r.texts("a"), {"a": [1]}),
        (lambda r: r.record("a"), {"a": []}),
        (lambda r: r.record("a"), {}),
        (lambda r: r.records("a"), {"a": [{}, 1]}),
    ],
)
def test_a_field_that_is_something_else_is_named(read, fields):
    found = problem(lambda: read(Record(fields, "x.json: task 1")))
    assert found.where.startswith("x.json: task 1")


def test_fields_are_read_as_what_they_are():
    record = Record({"a": 2.0, "b": " b ", "c": [{"d": 1}], "e": None, "f": 7}, "here")
    assert (record.number("a"), record.whole("a"), record.text("b")) == (2.0, 2, " b ")
    assert record.records("c")[0].whole("d") == 1
    assert record.records("c")[0].where == "here, c[0]"
    assert "e" not in record
    assert (record.key("f"), record.key("b"), record.texts("e")) == ("7", " b ", ())
    assert problem(lambda: as_record([], "here")).where == "here"


@pytest.mark.parametrize(
    ("link", "file"),
    [
        ("a.png", "a.png"),
        ("./x/a.png", "x/a.png"),
        ("/home/me/a.png", "home/me/a.png"),
        ("../../etc/a.png", "etc/a.png"),
        ("C:\\scans\\a.png", "scans/a.png"),
        ("\\\\server\\share\\a.png", "server/share/a.png"),
        ("https://host:8080/x/a%20b.png?sig=1#top", "x/a b.png"),
        ("https://host/%2e%2e/a.png", "a.png"),
        ("s3://bucket/x/a.png", "x/a.png"),
        ("file:///x/a.png", "x/a.png"),
        ("/data/local-files/?d=x%2Fa.png", "x/a.png"),
        ("http://localhost/data/local-files/?d=x/a.png", "x/a.png"),
        ("/data/upload/3/0123abcd-a.png", "data/upload/3/0123abcd-a.png"),
        ("a?.png", "a?.png"),
        ("100%.png", "100%.png"),
    ],
)
def test_a_link_becomes_a_path_below_a_folder(link: str, file: str):
    assert file_of(link, "task 1") == file


@pytest.mark.parametrize(
    "link", ["", "/", "..", "https://host", "data:image/png;base64,AA", "http://[/a"]
)
def test_a_link_without_a_file_is_refused(link: str):
    assert problem(lambda: file_of(link, "task 1")).code == "EXPORT-IMAGE"
