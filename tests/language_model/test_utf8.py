"""Bytes are UTF-8 or not, wherever the pieces in which they are looked at end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skxent.language_model import _utf8
from skxent.language_model._utf8 import check_utf8

SCRIPTS = "aé中😀 \n"


def problem_of(decode, data):
    """Return what is wrong and where, None if nothing is."""
    try:
        decode(data)
    except UnicodeDecodeError as error:
        return error.start, error.end, error.reason
    return None


@given(st.lists(st.text(SCRIPTS).map(str.encode) | st.binary(max_size=6)).map(b"".join), st.integers(4, 12))
def test_agrees_with_decoding_it_all(data, piece_bytes):
    before = _utf8._PIECE_BYTES
    _utf8._PIECE_BYTES = piece_bytes
    try:
        assert problem_of(check_utf8, data) == problem_of(bytes.decode, data)
    finally:
        _utf8._PIECE_BYTES = before


@pytest.mark.parametrize("shift", range(4))
@pytest.mark.parametrize("character", "é中😀")
def test_characters_may_lie_across_pieces(character, shift):
    text = "a" * shift + character * (2 * _utf8._PIECE_BYTES)
    check_utf8(text.encode())
    with pytest.raises(UnicodeDecodeError) as caught:
        check_utf8(text.encode()[:-1])
    assert caught.value.start == len(text.encode()) - len(character.encode())
