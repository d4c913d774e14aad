"""A manifest is read as it was written, or refused with every offender."""

import os
import subprocess
import sys
from pathlib import Path
from pkgutil import walk_packages
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from broken_data import generated, write_manifest
from lookright import data as data_package
from lookright.data import open_source
from lookright.data.lock import lock
from lookright.data.manifest import read_manifest
from lookright.data.table import read_table
from lookright.errors import DataError
from peak_memory import PEAK_MEMORY

ALPHABET = b'",;\t\r\n\0 a1.\xc3\xa9\xff'


def refused(path: Path, **settings: object) -> DataError:
    with pytest.raises(DataError) as caught:
        read_manifest(path, **settings)  # type: ignore[arg-type]
    return caught.value


def codes(error: DataError) -> set[str]:
    return {problem.code for problem in error.problems}


def write(folder: Path, text: str | bytes) -> Path:
    """A manifest beside ten small images, 0.png to 9.png."""
    for number in range(10):
        Image.new("L", (20, 20), number * 20).save(folder / f"{number}.png")
    path = folder / "manifest.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_manifest_becomes_samples(tmp_path: Path):
    rows = generated(tmp_path)
    rows[3]["mask"] = ""
    rows[0]["weight"] = "2.5"
    rows[0]["camera"] = "left"
    data = open_source({"manifest": "manifest.csv"}, write_manifest(tmp_path, rows).parent)
    assert data.classes == ("calm", "wild")
    assert data.rows["weight"].to_list()[:2] == [2.5, 1.0]
    assert data.rows["camera"][0] == "left"
    assert data.rows["annotated"].to_list()[:4] == [True, True, True, False]
    seen = data.sample(0)
    assert seen.image.shape == (32, 40, 1)
    assert seen.map is not None
    assert seen.map.shape == (32, 40)
    assert set(np.unique(seen.map)) == {0.0, 1.0}
    assert data.sample(3).map is None


def test_declared_classes_keep_their_order(tmp_path: Path):
    path = write_manifest(tmp_path, generated(tmp_path))
    assert read_manifest(path, classes=("wild", "calm")).classes == ("wild", "calm")


def test_parquet_is_read_like_csv(tmp_path: Path):
    path = write_manifest(tmp_path, generated(tmp_path))
    pl.read_csv(path, infer_schema=False).write_parquet(tmp_path / "manifest.parquet")
    one, other = read_manifest(path), read_manifest(tmp_path / "manifest.parquet")
    assert one.rows.equals(other.rows)
    assert one.fingerprint == other.fingerprint


def test_the_fingerprint_follows_rows_files_and_settings(tmp_path: Path):
    rows = generated(tmp_path)
    path = write_manifest(tmp_path, rows)
    first = read_manifest(path).fingerprint
    assert read_manifest(path).fingerprint == first
    assert read_manifest(path, classes=("wild", "calm")).fingerprint != first
    write_manifest(tmp_path, rows[:-1])
    assert read_manifest(path).fingerprint != first
    write_manifest(tmp_path, rows)
    with (tmp_path / rows[0]["image"]).open("ab") as file:
        file.write(b"more")
    assert read_manifest(path).fingerprint != first


@pytest.mark.parametrize("column", ["image", "label"])
def test_MF01_a_missing_column_is_an_error_with_the_nearest_one(tmp_path: Path, column: str):
    typo = {"image": "imgae", "label": "lable"}[column]
    text = "image,label\n0.png,a\n".replace(column, typo)
    error = refused(write(tmp_path, text))
    assert f"'{column}'" in str(error)
    assert f"'{typo}'" in str(error)


def test_MF01_a_typo_in_an_optional_column_is_a_notice(tmp_path: Path):
    data = read_manifest(write(tmp_path, "image,label,spilt\n0.png,a,train\n1.png,b,val\n"))
    assert "Did you mean 'split'?" in [notice.fix for notice in data.notices]


@pytest.mark.parametrize(
    "text",
    ["\ufeffimage,label\n0.png,é\n1.png,b\n", "image,label\r\n0.png,é\r\n1.png,b\r\n"],
    ids=["bom", "crlf"],
)
def test_MF02_byte_order_marks_and_windows_line_ends_are_fine(tmp_path: Path, text: str):
    data = read_manifest(write(tmp_path, text))
    assert data.rows["label"].to_list() == ["é", "b"]
    assert data.notices == ()


@pytest.mark.parametrize("separator", [";", "\t"])
def test_MF02_other_separators_are_read_with_a_notice(tmp_path: Path, separator: str):
    text = "image,label\n0.png,a\n1.png,b\n".replace(",", separator)
    data = read_manifest(write(tmp_path, text))
    assert data.rows["label"].to_list() == ["a", "b"]
    assert [notice.code for notice in data.notices] == ["MANIFEST-SEPARATOR"]


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_MF02_other_encodings_are_an_error_with_a_hint(tmp_path: Path, encoding: str):
    error = refused(write(tmp_path, "image,label\n0.png,é\n".encode(encoding)))
    assert codes(error) == {"MANIFEST-ENCODING"}
    assert "UTF-8" in error.problems[0].fix


def test_MF03_ids_and_labels_are_strings_whatever_they_look_like(tmp_path: Path):
    ids = ["001", "1e5", "NA", "None", "x ", "1.0"]
    lines = [f"{number}.png,{name},{name}" for number, name in enumerate(ids)]
    data = read_manifest(write(tmp_path, "image,id,label\n" + "\n".join(lines)))
    assert data.rows["id"].to_list() == ids
    assert data.rows["label"].to_list() == ids
    assert data.classes == tuple(sorted(ids))


def test_MF03_whole_numbers_in_parquet_become_their_text(tmp_path: Path):
    path = write(tmp_path, "").with_suffix(".parquet")
    frame = pl.DataFrame({"image": ["0.png", "1.png"], "label": [0, 1], "id": [7, 10**12]})
    frame.write_parquet(path)
    assert read_manifest(path).rows["id"].to_list() == ["7", "1000000000000"]


def test_MF04_a_quoted_line_break_is_part_of_its_cell(tmp_path: Path):
    data = read_manifest(write(tmp_path, 'image,label\n0.png,"a\nb"\n1.png,c\n'))
    assert data.rows["label"][0] == "a\nb"


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("image,label\n0.png,a,more\n1.png,b\n2.png\n", "MANIFEST-RAGGED", "line 4"),
        ("image,label\n0.png,a\n1.png,b\0\n", "MANIFEST-NUL", "line 3"),
        ("image,label\n0.png," + "x" * 1_000_000 + "\n", "MANIFEST-CSV", "line 2"),
        ('image,label\n0.png,"a\n1.png,b\n', "MANIFEST-CSV", "line 3"),
    ],
    ids=["ragged", "nul", "megabyte", "quote"],
)
def test_MF04_broken_lines_are_errors_with_their_number(
    tmp_path: Path, text: str, code: str, line: str
):
    error = refused(write(tmp_path, text))
    assert codes(error) == {code}
    assert line in str(error)


def test_MF04_blank_lines_are_left_out_but_counted(tmp_path: Path):
    text = "image,label\n0.png,a\n\n1.png,b\n2.png,\n\n"
    error = refused(write(tmp_path, text))
    assert [problem.where for problem in error.problems] == ["manifest.csv row 5"]


@pytest.mark.parametrize(
    "text", ["", "\n\n", "image,label\n", "image,label\n0.png,a\n"],
    ids=["empty", "blank", "header", "one_row"],
)  # fmt: skip
def test_MF05_nothing_or_one_row_is_an_error(tmp_path: Path, text: str):
    assert codes(refused(write(tmp_path, text))) <= {"MANIFEST-EMPTY", "LABEL-ONE"}


def test_MF06_duplicate_ids_are_listed_with_their_rows(tmp_path: Path):
    text = "image,label,id\n0.png,a,x\n1.png,b,x\n2.png,a,y\n3.png,b,x\n4.png,b,\n"
    error = refused(write(tmp_path, text))
    assert [each.where for each in error.problems if each.code == "ID-DUPLICATE"] == [
        "manifest.csv row 3",
        "manifest.csv row 5",
    ]
    assert "ID-EMPTY" in codes(error)


def test_MF06_without_ids_an_image_may_have_one_row(tmp_path: Path):
    error = refused(write(tmp_path, "image,label\n0.png,a\n0.png,b\n1.png,b\n"))
    assert codes(error) == {"ID-DUPLICATE"}


def test_MF07_one_path_with_two_labels_or_in_two_splits_is_an_error(tmp_path: Path):
    head = "image,label,id,split\n"
    rows = ["0.png,a,1,train", "0.png,b,2,train", "1.png,a,3,train", "1.png,a,4,test"]
    error = refused(write(tmp_path, head + "\n".join(rows)))
    assert codes(error) == {"IMG-TWICE-LABEL", "IMG-TWICE-SPLIT"}
    same = ["0.png,a,1,train", "0.png,a,2,train", "1.png,b,3,train"]
    data = read_manifest(write(tmp_path, head + "\n".join(same)))
    assert [notice.code for notice in data.notices] == ["IMG-TWICE"]


def test_MF08_a_group_in_two_splits_is_an_error_with_counts_unless_allowed(tmp_path: Path):
    text = "image,label,split,group\n0.png,a,train,p\n1.png,b,train,p\n2.png,a,test,p\n"
    path = write(tmp_path, text)
    error = refused(path)
    assert "1 in 'test' and 2 in 'train'" in str(error)
    data = read_manifest(path, allow_group_overlap=True)
    assert [notice.code for notice in data.notices] == ["GROUP-SPLITS"]


def test_MF08_two_test_splits_may_share_a_group_and_no_group_is_no_group(tmp_path: Path):
    text = "image,label,split,group\n0.png,a,test,p\n1.png,b,test_b,p\n2.png,a,train,\n3.png,a,val,"
    assert len(read_manifest(write(tmp_path, text)).rows) == 4


def test_MF12_wrong_labels_are_listed(tmp_path: Path):
    text = "image,label\n0.png,cat\n1.png,\n2.png,dgo\n3.png,cat\n"
    error = refused(write(tmp_path, text), classes=("cat", "dog", "owl"))
    told = {(each.code, each.where) for each in error.problems}
    assert told == {
        ("LABEL-MISSING", "manifest.csv row 3"),
        ("LABEL-UNKNOWN", "manifest.csv row 4"),
        ("LABEL-UNUSED", "manifest.csv"),
    }
    assert "Did you mean 'dog'?" in str(error)
    assert sum(each.code == "LABEL-UNUSED" for each in error.problems) == 2


def test_MF12_several_labels_in_one_cell_are_an_error(tmp_path: Path):
    error = refused(write(tmp_path, "image,label\n0.png,cat\n1.png,dog\n2.png,cat|dog\n"))
    assert codes(error) == {"LABEL-SEVERAL"}


def test_MF13_a_wrong_split_is_an_error_with_a_suggestion(tmp_path: Path):
    text = "image,label,split\n0.png,a,train\n1.png,b,vaild\n2.png,a,\n3.png,b,test_nih\n"
    error = refused(write(tmp_path, text))
    assert [each.where for each in error.problems] == ["manifest.csv row 3", "manifest.csv row 4"]
    assert "Did you mean 'val'?" in error.problems[0].fix


OUTSIDE = [
    "../../etc/passwd", "a/../../b.png", "/etc/passwd", "C:\\x.png", "C:x.png", "\\\\server\\share",
    "file:///etc/passwd", "http://example.org/a.png", "https://example.org/a.png", "~/a.png",
    "%2e%2e/a.png", "%252e%252e/a.png", "a\\b.png", "..",
]  # fmt: skip


def test_MF14_no_path_leaves_the_folder_and_all_are_listed(tmp_path: Path):
    rows = [f"{path},{'ab'[number % 2]}" for number, path in enumerate(OUTSIDE)]
    error = refused(write(tmp_path, "image,label\n" + "\n".join(rows)))
    told = {each.where for each in error.problems if each.code == "PATH"}
    assert told == {f"manifest.csv row {number + 2}" for number in range(len(OUTSIDE))}


def test_MF14_masks_are_held_to_the_same_rule_and_nul_is_refused(tmp_path: Path):
    path = write(tmp_path, "").with_suffix(".parquet")
    masks = ["../0.png", "a\0b.png"]
    frame = pl.DataFrame({"image": ["0.png", "1.png"], "label": ["a", "b"], "mask": masks})
    frame.write_parquet(path)
    assert [each.code for each in refused(path).problems] == ["PATH", "PATH"]


def test_MF14_dots_that_stay_inside_are_fine(tmp_path: Path):
    (tmp_path / "a..b").mkdir()
    Image.new("L", (20, 20)).save(tmp_path / "a..b" / "c...png")
    data = read_manifest(write(tmp_path, "image,label\n./0.png,a\na..b/c...png,b\n"))
    assert data.sample(1).image.shape == (20, 20, 1)


def test_IM23_links_inside_are_followed_and_links_outside_or_in_circles_refused(tmp_path: Path):
    folder = tmp_path / "data"
    folder.mkdir()
    path = write(folder, "image,label\ngood.png,a\nbad.png,b\nloop.png,a\nout/s.png,b\n")
    Image.new("L", (20, 20)).save(tmp_path / "s.png")
    (folder / "good.png").symlink_to(folder / "0.png")
    (folder / "bad.png").symlink_to(tmp_path / "s.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "out").symlink_to(tmp_path)
    error = refused(path)
    assert codes(error) == {"PATH"}
    assert [each.where for each in error.problems] == [
        f"manifest.csv row {row}, image" for row in (3, 4, 5)
    ]


def test_IM22_folders_and_pipes_are_refused_without_waiting(tmp_path: Path):
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    error = refused(write(tmp_path, "image,label\nfolder.png,a\npipe.png,b\n"))
    assert codes(error) == {"IMG-KIND"}
    assert "a folder" in str(error)
    assert "a pipe" in str(error)


def test_IM24_a_name_in_another_unicode_form_is_missing_with_a_hint(tmp_path: Path):
    path = write(tmp_path, "image,label\ne\u0301.png,a\n0.PNG,b\n")
    Image.new("L", (20, 20)).save(tmp_path / "\u00e9.png")
    error = refused(path)
    assert codes(error) == {"FILE-MISSING"}
    assert all("differ in case or in Unicode form" in each.fix for each in error.problems)


@pytest.mark.parametrize(
    "name", ["with space.png", "émoji 🫁.png", "line\nbreak.png", "x" * 251 + ".png", "%41.png"]
)
def test_IM24_unusual_names_work(tmp_path: Path, name: str):
    path = write(tmp_path, f'image,label\n"{name}",a\n0.png,b\n')
    Image.new("L", (20, 20), 7).save(tmp_path / "plain.png")
    (tmp_path / "plain.png").rename(tmp_path / name)
    assert read_manifest(path).sample(0).image[0, 0, 0] == 7


def test_IM24_a_name_that_is_too_long_is_missing(tmp_path: Path):
    error = refused(write(tmp_path, f"image,label\n{'x' * 300}.png,a\n0.png,b\n"))
    assert codes(error) == {"FILE-MISSING"}


def test_MK09_missing_files_are_listed_and_no_mask_is_not_annotated(tmp_path: Path):
    text = "image,label,mask\n0.png,a,no.png\n11.png,b,\n1.png,b,\n2.png,b,2.png\n"
    error = refused(write(tmp_path, text))
    assert [each.where for each in error.problems] == [
        "manifest.csv row 3, image",
        "manifest.csv row 2, mask",
    ]
    data = read_manifest(write(tmp_path, text.replace("no.png", "").replace("11.", "3.")))
    assert data.rows["annotated"].to_list() == [False, False, False, True]


def test_MK10_a_mask_is_joined_by_its_row_and_not_by_its_name(tmp_path: Path):
    for folder, level in (("a", 0), ("b", 255)):
        (tmp_path / folder).mkdir()
        Image.new("L", (20, 20), 90).save(tmp_path / folder / "same.png")
        mask = np.zeros((20, 20), np.uint8)
        mask[:10] = level
        mask[10:] = 255 - level
        Image.fromarray(mask).save(tmp_path / folder / "mask.png")
    text = "image,label,mask\na/same.png,a,a/mask.png\nb/same.png,b,b/mask.png\n"
    (tmp_path / "manifest.csv").write_text(text)
    data = read_manifest(tmp_path / "manifest.csv")
    maps = [data.sample(index).map for index in (0, 1)]
    assert maps[0] is not None
    assert maps[1] is not None
    np.testing.assert_array_equal(maps[0], 1 - maps[1])


def test_IM25_a_file_that_changes_or_vanishes_is_an_error_with_its_id(tmp_path: Path):
    data = read_manifest(write(tmp_path, "image,label,id\n0.png,a,first\n1.png,b,second\n"))
    data.sample(0)
    Image.new("L", (20, 20), 255).save(tmp_path / "0.png")
    os.utime(tmp_path / "0.png", ns=(1, 1))
    (tmp_path / "1.png").unlink()
    for index, code, name in ((0, "IMG-CHANGED", "first"), (1, "FILE-MISSING", "second")):
        with pytest.raises(DataError, match=name) as caught:
            data.sample(index)
        assert caught.value.problems[0].code == code


def test_IM05_a_locked_manifest_sees_a_picture_whose_bits_changed(tmp_path: Path):
    path = lock(write(tmp_path, "image,label\n0.png,a\n1.png,b\n")).manifest
    assert read_manifest(path).sample(0).image.shape == (20, 20, 1)
    Image.new("L", (20, 20), 200).save(tmp_path / "0.png")
    with pytest.raises(DataError, match="sha256") as caught:
        read_manifest(path).sample(0)
    assert caught.value.problems[0].code == "IMG-HASH"


def test_weights_that_are_no_numbers_are_listed(tmp_path: Path):
    text = "image,label,weight\n0.png,a,1\n1.png,b,heavy\n2.png,a,-1\n3.png,b,nan\n4.png,a,\n"
    error = refused(write(tmp_path, text))
    assert [each.where for each in error.problems] == [
        f"manifest.csv row {row}" for row in (3, 4, 5)
    ]


def test_every_kind_of_problem_comes_in_one_error(tmp_path: Path):
    text = "image,label,id,split,weight\n0.png,a,x,train,1\n../1.png,,x,trian,heavy\n7.jpg,b,,,\n"
    assert codes(refused(write(tmp_path, text))) >= {
        "PATH", "LABEL-MISSING", "ID-DUPLICATE", "SPLIT", "WEIGHT", "FILE-MISSING", "ID-EMPTY",
    }  # fmt: skip


def parquet(folder: Path, **columns: object) -> Path:
    path = write(folder, "").with_suffix(".parquet")
    pl.DataFrame({"image": ["0.png", "1.png"], "label": ["a", "b"]} | columns).write_parquet(path)
    return path


@pytest.mark.parametrize(
    "columns",
    [
        {"image": [1, 2]},
        {"label": [1.5, 2.5]},
        {"group": [["a"], ["b"]]},
        {"more": [{"x": 1}, {"x": 2}]},
        {"more": [b"x", b"y"]},
    ],
    ids=["number_image", "float_label", "list", "structure", "bytes"],
)
def test_MF17_parquet_of_wrong_types_is_an_error(tmp_path: Path, columns: dict[str, object]):
    assert codes(refused(parquet(tmp_path, **columns))) == {"MANIFEST-TYPE"}


@pytest.mark.parametrize("cut", [0.0, 0.5, 0.99])
def test_MF17_a_corrupted_parquet_is_an_error(tmp_path: Path, cut: float):
    path = parquet(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * cut)])
    assert codes(refused(path)) == {"MANIFEST-PARQUET"}


def test_MF17_flipped_bytes_of_a_parquet_give_a_table_or_an_error(tmp_path: Path):
    path = parquet(tmp_path, group=["x", "y"])
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(8):
        data = bytearray(whole)
        for place in random.integers(4, len(data), 4):
            data[place] = random.integers(256)
        path.write_bytes(bytes(data))
        try:
            rows = read_table(path).rows
        except DataError:
            continue
        assert {"image", "label"} <= set(rows.columns)


def test_MF17_a_parquet_that_would_abort_the_process_is_an_error(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("lookright.data.parquet._TRIAL", "import os; os.abort()")
    assert codes(refused(parquet(tmp_path))) == {"MANIFEST-PARQUET"}


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([b"image,label\n", *(bytes([x]) for x in ALPHABET)]), max_size=60))
def test_any_bytes_give_a_table_or_a_typed_error(parts: list[bytes]):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "manifest.csv"
        path.write_bytes(b"image,label\n" + b"".join(parts))
        try:
            table = read_table(path)
        except DataError:
            return
        assert len(table.rows) == len(table.numbers) > 0


def test_MF17_a_dictionary_bomb_is_an_error(tmp_path: Path):
    path = parquet(tmp_path, **{"image": ["x" * 10**6] * 2})
    assert codes(refused(path)) == {"MANIFEST-CELL"}


MILLION = """
import sys, time
from pathlib import Path
from lookright.data.manifest import read_manifest
start = time.process_time()
data = read_manifest(Path(sys.argv[1]))
assert len(data.rows) == 1_000_000
print(time.process_time() - start, peak_memory())
"""


def test_MF16_a_million_rows_take_ten_seconds_and_a_gibibyte_at_most(tmp_path: Path):
    write(tmp_path, "")
    for number in range(1000):
        (tmp_path / f"i{number}.png").touch()
    labels, splits = ("normal", "pneumonia"), ("train", "val")
    with (tmp_path / "manifest.csv").open("w") as file:
        file.write("image,label,id,split,group\n")
        for number in range(1_000_000):
            image = number % 1000
            label, split = labels[image % 2], splits[image % 3 == 0]
            file.write(f"i{image}.png,{label},case-{number},{split},patient-{image}\n")
    ran = subprocess.run(
        [sys.executable, "-c", PEAK_MEMORY + MILLION, str(tmp_path / "manifest.csv")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds, gibibytes = map(float, ran.stdout.split())
    assert seconds <= 10
    assert gibibytes <= 1


def test_data_need_no_torch():
    heavy = ("geometry", "loader")  # these two make batches of what the others read
    names = [
        module.name
        for module in walk_packages(data_package.__path__, "lookright.data.")
        if module.name.rpartition(".")[2] not in heavy
    ]
    code = "import sys\n" + "\n".join(f"import {name}" for name in names)
    code += "\nassert not {'torch', 'torchvision', 'timm'} & set(sys.modules)"
    assert len(names) > 15
    subprocess.run([sys.executable, "-c", code], check=True)
