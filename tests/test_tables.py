"""Files of rows are those that were named, whatever signs stand in their names."""

import ast
import csv
import gzip
import io
import os
import string
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage import tables
from relinkage.errors import InputError

PACKAGE = Path(tables.__file__).parent
NAMES = [f"a{sign}1{sign}" for sign in string.punctuation if sign != "/"]
NAMES += [
    "~",
    "~root",
    "[1]",
    "*",
    "?",
    "**",
    "{a,b}",
    "a b",
    "a\nb",
    "s3:",
    "%20",
    "key=value",
    "é",
    "\u202ea",
]
RIGHT, WRONG = pl.DataFrame({"id": ["right"]}), pl.DataFrame({"id": ["wrong"]})
ONES = {".parquet": (tables.read_parquet, tables.scan_parquet), ".csv": (tables.read_csv, tables.scan_csv)}
WRITE = {".parquet": tables.write_parquet, ".csv": tables.write_csv}


@pytest.fixture
def decoys(tmp_path, monkeypatch):
    """A folder, and a home folder, with tables that a pattern or a `~` would find."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path, home):
        for name in ("a1", "1", "a", "b", "aa1a", "x"):
            WRONG.write_parquet(folder / f"{name}.parquet")
            WRONG.write_csv(folder / f"{name}.csv")
    return tmp_path


@pytest.mark.parametrize("ending", ONES)
@pytest.mark.parametrize("folder", [".", "~", "[1]", "*"])
def test_tables_are_written_and_read_by_their_very_name(decoys, folder, ending):
    (decoys / folder).mkdir(exist_ok=True)
    before = {path: path.read_bytes() for path in decoys.rglob("*") if path.is_file()}
    for name in NAMES:
        path = Path(folder, f"{name}{ending}")
        WRITE[ending](RIGHT, path)
        read, scan = ONES[ending]
        assert read(path).equals(RIGHT), name
        assert scan(path).collect().equals(RIGHT), name
        if ending == ".parquet":
            assert list(tables.parquet_schema(path)) == ["id"]
            assert "ARROW:schema" in tables.parquet_metadata(path)
        path.unlink()
    assert {path: path.read_bytes() for path in decoys.rglob("*") if path.is_file()} == before


def test_no_other_module_opens_a_table():
    """Whatever polars opens by a path goes through `tables`."""
    found = []
    for file in sorted(PACKAGE.rglob("*.py")):
        if file.name == "tables.py" and file.parent == PACKAGE:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Attribute):
                continue
            opens = node.attr.startswith(("read_", "scan_")) and ast.unparse(node.value) == "pl"
            writes = node.attr in ("write_parquet", "sink_parquet", "sink_csv", "write_ipc")
            if opens or writes:
                found.append(f"{file.relative_to(PACKAGE)}: {ast.unparse(node)}")
    assert found == ["images/arrow.py: pl.read_ipc_stream"]  # of bytes that were cut out of a file


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a"])
def test_parquet_is_known_by_its_first_bytes(tmp_path, name):
    RIGHT.write_parquet(tmp_path / name)
    assert tables.is_parquet(tmp_path / name)
    RIGHT.write_csv(tmp_path / name)
    assert not tables.is_parquet(tmp_path / name)


def test_what_is_no_file_is_not_parquet(tmp_path):
    os.mkfifo(tmp_path / "pipe.parquet")
    for name in ("pipe.parquet", "absent.parquet", "."):
        assert not tables.is_parquet(tmp_path / name)


NAMES_OF_COLUMNS = {
    csv.QUOTE_ALL: st.text(st.sampled_from("abc;,\t| é"), min_size=1, max_size=5),
    csv.QUOTE_MINIMAL: st.text(st.sampled_from("abc é"), min_size=1, max_size=5),
}


@given(st.data(), st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_separators_are_found_as_they_were_written(tmp_path_factory, data, separator, end, packed):
    quoting = data.draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
    names = data.draw(st.lists(NAMES_OF_COLUMNS[quoting], min_size=2, max_size=5, unique=True))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=end)
    writer.writerows([names, [f"{name},;\t|!" for name in names]])
    content = text.getvalue().encode()
    path = tmp_path_factory.getbasetemp() / "separated.csv"
    path.write_bytes(gzip.compress(content) if packed else content)
    whole = {name: [f"{name},;\t|!"] for name in names}
    assert tables.separator_of(path) == separator
    assert tables.read_csv(path).to_dict(as_series=False) == whole
    assert tables.read_csv(content).to_dict(as_series=False) == whole


@pytest.mark.parametrize(
    ("header", "separator"), [("", ","), ("one", ","), ("a,b;c", ","), ("a;b,c;d", ";"), ('"a;b;c",d', ",")]
)
def test_a_comma_goes_first(header, separator):
    assert tables.separator_of(header.encode()) == separator


@pytest.mark.parametrize("ending", ONES)
def test_a_path_that_is_no_unicode_is_read_whole_and_refused_where_polars_would_come_back_to_it(
    tmp_path, ending
):
    path = tmp_path / os.fsdecode(b"caf\xe9") / f"rows{ending}"
    path.parent.mkdir()
    WRITE[ending](RIGHT, path)
    read, scan = ONES[ending]
    assert read(path).equals(RIGHT)
    with pytest.raises(InputError, match=r"rows\..* is not valid Unicode; rename the file"):
        scan(path)
