"""Files are whole or not there; lines are never torn."""

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from lookright.files import append_line, read_lines, write_atomically


def test_a_file_holds_what_was_written(tmp_path: Path):
    write_atomically(tmp_path / "deep" / "text.txt", "grün\n")
    write_atomically(tmp_path / "bytes.bin", b"\x00\r\n\xff")
    assert (tmp_path / "deep" / "text.txt").read_bytes() == "grün\n".encode()
    assert (tmp_path / "bytes.bin").read_bytes() == b"\x00\r\n\xff"


def test_CK22_the_mode_of_a_file_follows_the_umask(tmp_path: Path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "shared.txt", "x")
        append_line(tmp_path / "lines.jsonl", {"a": 1})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "shared.txt").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "lines.jsonl").stat().st_mode) == 0o640


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch, call):
    path = tmp_path / "run.yaml"
    write_atomically(path, "old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["run.yaml"]


def test_file_and_folder_are_flushed_before_a_write_returns(tmp_path: Path, monkeypatch):
    flushed: list[bool] = []
    fsync = os.fsync

    def watch(handle: int) -> None:
        flushed.append(stat.S_ISDIR(os.fstat(handle).st_mode))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watch)
    write_atomically(tmp_path / "a.txt", "x")
    assert flushed == [False, True]


def test_a_reader_never_sees_a_part_of_a_file(tmp_path: Path):
    path = tmp_path / "big.txt"
    texts = {letter * 300_000 for letter in "ab"}
    write_atomically(path, "a" * 300_000)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for text in texts:
                write_atomically(path, text)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert all(path.read_text() in texts for _ in range(50))
    finally:
        stop.set()
        writer.join()


def test_lines_come_back_in_order(tmp_path: Path):
    path = tmp_path / "folder" / "metrics.jsonl"
    for epoch in range(3):
        append_line(path, {"epoch": epoch, "note": "é"})
    assert read_lines(path) == [{"epoch": epoch, "note": "é"} for epoch in range(3)]


def test_CK13_a_torn_last_line_is_left_out_and_then_cut_off(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    append_line(path, {"epoch": 0})
    with path.open("a") as file:
        file.write('{"epoch": 1, "tra')
    assert read_lines(path) == [{"epoch": 0}]
    append_line(path, {"epoch": 1})
    assert read_lines(path) == [{"epoch": 0}, {"epoch": 1}]


def test_a_torn_only_line_is_cut_off(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"ep')
    assert read_lines(path) == []
    append_line(path, {"epoch": 0})
    assert path.read_text() == '{"epoch": 0}\n'


def test_a_line_broken_in_the_middle_of_a_file_is_not_hidden(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"epoch": 0}\n{"ep\n{"epoch": 2}\n')
    with pytest.raises(json.JSONDecodeError):
        read_lines(path)


def test_a_line_cannot_hold_two(tmp_path: Path):
    with pytest.raises(ValueError, match="line break"):
        append_line(tmp_path / "x.jsonl", '{"a": 1}\n{"b": 2}')
