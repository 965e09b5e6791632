"""Files appear whole or not at all, and errors name the file that was asked for."""

import errno
import os

import pytest

from skxent._files import atomic_write


def test_a_file_appears_when_it_is_whole(tmp_path):
    place = tmp_path / "a.txt"
    with atomic_write(place) as part:
        part.write_text("new")
        assert not place.exists()
    assert place.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_leaves_what_was_there(tmp_path):
    place = tmp_path / "a.txt"
    place.write_text("old")
    with pytest.raises(TypeError), atomic_write(place) as part:
        part.write_text(b"no text")
    assert place.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_errors_name_the_place_and_no_file_beside_it(tmp_path):
    place = tmp_path / "folder" / "a.txt"
    with pytest.raises(FileNotFoundError) as caught, atomic_write(place) as part:
        part.write_text("there is no folder")
    assert caught.value.filename == str(place)


def test_other_errors_keep_their_name(tmp_path):
    with pytest.raises(OSError, match="other") as caught, atomic_write(tmp_path / "a.txt"):
        raise OSError(errno.EIO, "other", "input.txt")
    assert caught.value.filename == "input.txt"
