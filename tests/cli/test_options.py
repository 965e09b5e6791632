"""Options: what argparse reads is what the class promises."""

import pytest

from skxent.cli._formats import FORMATS
from skxent.cli._options import SUMMARIES, Options, build_parser, parse_arguments


def test_every_argument_is_an_option_and_has_its_default_there():
    actions = {action.dest for action in build_parser()._actions} - {"help", "version"}
    assert actions == set(Options._fields)
    assert vars(build_parser().parse_args([])) in ({}, {"corpus": []})
    assert parse_arguments(["a.txt"]) == Options(corpus=["a.txt"])


@pytest.mark.parametrize(("given", "base", "unit"), [("2", 2, "bits"), ("10", 10, "hartleys")])
def test_base_is_a_number_with_a_unit(given, base, unit):
    options = parse_arguments(["a.txt", "--base", given])
    assert (options.base, options.unit) == (base, unit)


def test_formats_named_in_the_help_are_the_formats_there_are():
    text = " ".join(build_parser().format_help().split())
    assert all(name in text for name in FORMATS)
    assert set(SUMMARIES) < set(FORMATS)
