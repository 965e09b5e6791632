"""What can be asked of ``skxent-perplexity``; imports nothing that takes time."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from skxent import __version__
from skxent.language_model._options import BASES, DECODE_ERRORS, LEAVE_ONE_OUT, OOV, WHITESPACE, unit_of

__all__ = ["LEVELS", "SUMMARIES", "Options", "build_parser", "parse_arguments"]

# Counts are integers of 64 bits; no text has so many words.
_TOO_MANY = 1 << 63

# What a record of the report is about.
LEVELS = ("corpus", "file", "line", "word")
# Formats that are the summary of another tool, and have no place for what it does not say.
SUMMARIES = ("srilm", "kenlm")
# What a bootstrap draws.
RESAMPLED = ("block", "line", "file")


class Options(NamedTuple):
    """What the user asks for; each attribute is the option of that name, None where it has no default.

    Attributes
    ----------
    corpus : sequence of str
        Files to score, with globs, or ``"-"``.
    base : float
        Base of the logarithms.
    per : str
        One of ``LEVELS``.
    """

    corpus: Sequence[str] = ()
    train: Sequence[str] | None = None
    model: str | None = None
    compare: Sequence[str] | None = None
    words: int | None = None
    save: str | None = None
    force: bool = False
    smoothing: str | None = None
    smoothing_parameter: float | str | None = None
    background: str | None = None
    min_count: int | None = None
    vocab: str | None = None
    eos: bool = False
    blank_lines: bool = False
    tokenizer: str = WHITESPACE
    lowercase: bool = False
    encoding: str = "utf-8"
    errors: str = "strict"
    field: str | None = None
    skip_bad: bool = False
    jobs: int | None = None
    dask: str | None = None
    target: Sequence[str] | None = None
    raw: Sequence[str] | None = None
    top: float | None = None
    sample: int | None = None
    score: bool = False
    buckets: Sequence[float] | None = None
    seed: int | None = None
    score_field: str = "score"
    oov: str = "unk"
    base: float = 2.0
    confidence: float | None = None
    resample: str | None = None
    min_perplexity: float | None = None
    max_perplexity: float | None = None
    add_score: bool = False
    vocab_pad: int | None = None
    per: str = "corpus"
    format: str = "text"
    plot: str | None = None
    quiet: bool = False

    @property
    def unit(self) -> str:
        """Name of the unit of the logarithms."""
        return unit_of(self.base)

    @property
    def filters(self) -> bool:
        """Whether lines are printed instead of figures."""
        return self.min_perplexity is not None or self.max_perplexity is not None


DESCRIPTION = """\
Cross-entropy and perplexity of text under a unigram language model.

With a model (--model) or training text (--train), the corpus is scored as
held-out text. With neither, the model is trained on the corpus itself, and each
token is scored as if it had been left out of the counts.

Files may be plain text or compressed (gz, bz2, xz, zst), JSON lines or Parquet
(--field); '-' is standard input."""

EXAMPLES = """\
examples:
  skxent-perplexity corpus.txt
  skxent-perplexity --train a.txt.gz 'b/*.txt' -- test.txt
  skxent-perplexity --train a.txt --save m.arpa
  zcat x.gz | skxent-perplexity --model m.arpa -
  skxent-perplexity --model m.arpa --per line --format csv test.txt
  skxent-perplexity --model m.arpa --max-perplexity 900 crawl.txt > clean.txt
  skxent-perplexity --compare a.arpa b.arpa -- test.txt
  skxent-perplexity --compare a.txt b.txt --words 20
  skxent-perplexity --target good.txt --raw 'crawl/*.jsonl.gz' --field text --top 10% > like-good.jsonl

exit status: 0 done; 1 the text or the model cannot be used, and one line on
standard error says where and why; 2 wrong usage; 130 interrupted."""

USAGE = "%(prog)s [--train FILE ... -- | --model ARPA | --compare FILE FILE] [OPTION ...] [CORPUS ...]\n"
USAGE += "       %(prog)s --target FILE ... --raw FILE ... {--top 10%% | --sample N | --score} [OPTION ...]"


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the examples' lines as they are and gives the options a little more room."""

    def __init__(self, prog: str, width: int) -> None:
        super().__init__(prog, max_help_position=32, width=width)


def _help_width() -> int:
    """Return the columns of the terminal less 2, as argparse does by a module that takes long to import."""
    try:
        columns = int(os.environ.get("COLUMNS", 0)) or os.get_terminal_size(1).columns
    except (OSError, ValueError):  # no number, or standard output is no terminal
        columns = 0
    return (columns if columns > 0 else 80) - 2


class _Parser(argparse.ArgumentParser):
    """Lets the caller know if its help cannot be written."""

    def _print_message(self, message: str, file: Any = None) -> None:
        stream = file or sys.stderr
        stream.write(message)
        stream.flush()


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    parser = _Parser(
        prog="skxent-perplexity",
        usage=USAGE,
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=partial(_Formatter, width=_help_width()),
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument(
        "corpus", nargs="*", metavar="CORPUS", help="text to score: files, globs, '-' for standard input"
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    _add_model(parser.add_argument_group("the model"))
    _add_training(parser.add_argument_group("training (with --train, or on the corpus itself)"))
    _add_reading(parser.add_argument_group("reading text"))
    _add_scoring(parser.add_argument_group("scoring"))
    _add_selection(parser.add_argument_group("choosing text that looks like a target"))
    _add_output(parser.add_argument_group("output"))
    return parser


def _add_model(group: argparse._ArgumentGroup) -> None:
    source = group.add_mutually_exclusive_group()
    source.add_argument("--train", nargs="+", metavar="FILE", help="train on these files; end the list with '--'")
    source.add_argument("--model", metavar="ARPA", help="use a saved model")
    source.add_argument(
        "--compare",
        nargs=2,
        metavar="FILE",
        help="score a CORPUS with two models (ARPA files) and bootstrap the difference over paired lines; with --words "
        "and without a CORPUS, two texts as well",
    )
    group.add_argument(
        "--words",
        type=_positive_int,
        metavar="N",
        help="with --compare: the N words with the largest shares of the difference, each with an interval; without a "
        "CORPUS, of two models or of two texts",
    )
    group.add_argument("--save", metavar="ARPA", help="write the trained model as an ARPA file (.gz, .bz2, .xz too)")
    group.add_argument(
        "--force", action="store_true", help="let --save and --plot replace a file that is no model or picture"
    )


def _add_training(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--smoothing",
        metavar="METHOD",
        help="lidstone (default), mle, laplace, witten_bell, kneser_ney, ...; 'list' describes them all",
    )
    group.add_argument(
        "--smoothing-parameter",
        type=_parameter,
        metavar="X",
        help=f"the method's parameter, or {LEAVE_ONE_OUT} (default): the value that predicts each token best "
        "from the others",
    )
    group.add_argument("--background", metavar="ARPA", help="a model to fall back on instead of equal probabilities")
    group.add_argument("--min-count", type=_positive_int, metavar="N", help="rarer words count as unknown (default 1)")
    group.add_argument("--vocab", metavar="FILE", help="closed vocabulary, one word a line; all others are unknown")
    group.add_argument(
        "--eos",
        action="store_true",
        help="each line with a word ends with an end-of-sentence event, as in SRILM",
    )
    group.add_argument(
        "--blank-lines",
        action="store_true",
        help="lines without a word end with that event as well, as in KenLM (--format kenlm does it too)",
    )


def _add_reading(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--tokenizer",
        metavar="NAME",
        help="whitespace (default), wordpunct, or one of NLTK's: treebank, ...; several with commas between them are "
        "compared: entropy, Rényi efficiency and bits per byte",
    )
    group.add_argument("--lowercase", action="store_true", help="lower-case the tokens")
    group.add_argument("--encoding", metavar="NAME", help="of the text (default utf-8)")
    group.add_argument(
        "--errors",
        choices=DECODE_ERRORS,
        help="what to do with undecodable bytes",
    )
    group.add_argument(
        "--field",
        metavar="NAME",
        help="the text's field in JSON lines, or its column in Parquet; a target of plain text needs none",
    )
    group.add_argument(
        "--skip-bad", action="store_true", help="leave out JSON lines without text in the field, and count them"
    )
    group.add_argument("--jobs", type=_cores, metavar="N", help="processor cores to use (default: all)")
    group.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="count on the workers of the Dask cluster with this scheduler, which must see the same files",
    )


def _add_scoring(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--oov",
        choices=OOV,
        help="unknown words: score them as one unknown-word event (default), leave them out, or stop",
    )
    group.add_argument(
        "--vocab-pad",
        type=_positive_int,
        metavar="N",
        help="share the unknown-word probability among the words that a model lacks of a vocabulary of N words; with "
        "--compare the default is the union of the two vocabularies",
    )
    group.add_argument(
        "--base",
        choices=BASES,
        help="of the logarithm: bits (default), nats or hartleys",
    )
    group.add_argument(
        "--confidence", type=_level, metavar="LEVEL", help="add a bootstrap interval of this level, e.g. 0.95"
    )
    group.add_argument(
        "--resample",
        choices=RESAMPLED,
        help="what the bootstrap draws: block (default), which is as many neighbouring lines or documents as depend on "
        "one another; line; or file",
    )
    group.add_argument(
        "--min-perplexity",
        type=_positive,
        metavar="X",
        help="print the lines, or whole records, of at least this perplexity",
    )
    group.add_argument(
        "--max-perplexity",
        type=_positive,
        metavar="X",
        help="print the lines, or whole records, of at most this perplexity",
    )
    group.add_argument("--add-score", action="store_true", help="add the perplexity to the records that are printed")


def _add_selection(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--target", nargs="+", metavar="FILE", help="text of the kind that is wanted")
    group.add_argument(
        "--raw",
        nargs="+",
        metavar="FILE",
        help="text to choose from: lines, or with --field the objects of JSON lines or the rows of Parquet, which are "
        "printed whole",
    )
    how = group.add_mutually_exclusive_group()
    how.add_argument(
        "--top", type=_share_or_number, metavar="N", help="print the best: so many, or a share such as 10%%"
    )
    how.add_argument("--sample", type=_positive_int, metavar="N", help="print a sample of N, by importance resampling")
    how.add_argument("--score", action="store_true", help="print all of it, with the scores in bits a token")
    group.add_argument(
        "--buckets",
        type=_percentage,
        nargs=2,
        metavar="PERCENT",
        help="add the bucket (head, middle, tail) in which the score is; CCNet's end at 30 and 60 per cent",
    )
    group.add_argument("--seed", type=_whole_number, metavar="N", help="of the sample's noise, to draw the same again")
    group.add_argument("--score-field", metavar="NAME", help="name of the field with the score (default score)")


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--per", choices=LEVELS[:3], help="one record for each of these")
    group.add_argument(
        "--verbose",
        dest="per",
        choices=LEVELS[3:],
        help="'word': the log-probability of each word, in the order of the text",
    )
    group.add_argument(
        "--format",
        metavar="NAME",
        help="text (default), json (one object a line), csv, or the summary lines of other tools: srilm (of ngram "
        "-ppl), kenlm (of query)",
    )
    group.add_argument("--plot", metavar="PNG", help="picture of word ranks and of the lines' perplexities")
    group.add_argument("--quiet", action="store_true", help="no progress and no notes on standard error")


def _parameter(text: str) -> float | str:
    return text if text == LEAVE_ONE_OUT else _number(text, f"a number or {LEAVE_ONE_OUT}")


def _positive_int(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    if int(text) >= _TOO_MANY:
        raise argparse.ArgumentTypeError(f"expected a whole number below 2**63, got {text!r}")
    return int(text)


def _cores(text: str) -> int:
    """Read a number of cores; more than there are would only start threads that wait."""
    return min(_positive_int(text), os.cpu_count() or 1)


def _whole_number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}")
    return int(text)


def _share_or_number(text: str) -> float:
    if text.isdecimal():
        return _positive_int(text)
    if not text.endswith("%"):
        raise argparse.ArgumentTypeError(f"expected a whole number or a percentage such as 10%, got {text!r}")
    return _percentage(text) / 100


def _percentage(text: str) -> float:
    value = _number(text.removesuffix("%"), "a percentage between 0 and 100")
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError(f"expected a percentage between 0 and 100, got {text!r}")
    return value


def _positive(text: str) -> float:
    value = _number(text, "a number above 0")
    if not value > 0:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return value


def _level(text: str) -> float:
    value = _number(text, "a level between 0 and 1, such as 0.95")
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"expected a level between 0 and 1, such as 0.95, got {text!r}")
    return value


def _number(text: str, expected: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}") from None


def parse_arguments(argv: Sequence[str] | None) -> Options:
    """Parse the command line; ends the process with code 2 when it makes no sense."""
    parser = build_parser()
    words, files = _without_files(sys.argv[1:] if argv is None else list(argv), parser)
    given = vars(parser.parse_intermixed_args(words))
    if files:
        given["corpus"] = [*given.get("corpus", ()), *files]
    if "base" in given:
        given["base"] = BASES[given["base"]]
    if given.get("format") == "srilm":  # SRILM leaves unknown words out, whatever their probability
        given.setdefault("oov", "skip")
    options = Options(**given)
    if options.smoothing != "list":
        for complaint in _complaints(options):
            parser.error(complaint)
    return options


def _without_files(words: list[str], parser: argparse.ArgumentParser) -> tuple[list[str], list[str]]:
    """Take the files out that follow ``--``, whatever their names; they end with the next option."""
    if "--" not in words:
        return words, []
    begin = words.index("--")
    end = begin + 1
    while end < len(words) and words[end].partition("=")[0] not in parser._option_string_actions:
        end += 1
    return [*words[:begin], *words[end:]], words[begin + 1 : end]


def _complaints(options: Options) -> Iterator[str]:
    """Find what the parser cannot see: options that need or exclude one another."""
    if options.target or options.raw:
        yield from _selection_complaints(options)
        return
    yield from _given(options, _SELECTION, "is for choosing text: name --target and --raw")
    ready_model = "--model" if options.model else "--compare" if options.compare else None
    if options.words and not options.compare:
        yield "--words needs --compare: two models, or two texts"
    if not options.corpus and (ready_model or not options.train) and not options.words:
        two_texts = "; --words N compares two texts without one" if options.compare else ""
        yield f"nothing to score: name a CORPUS, or '-' for standard input{two_texts}"
    if ready_model:
        yield from _given(options, _TRAINING, f"belongs to training, and {ready_model} brings a trained model")
    if options.compare:
        yield from _given(options, _ONE_MODEL, "is for one model, not for --compare")
    if "," in options.tokenizer:
        yield from _given(options, _ONE_TOKENIZER, "needs a single --tokenizer")
    if options.filters:
        yield from _filter_complaints(options)
    if options.confidence and options.per in ("line", "word"):
        yield f"--confidence needs a sample of lines or files, not a single {options.per}"
    if options.dask:
        yield from _dask_complaints(options)
    if options.add_score and not (options.filters and options.field):
        yield "--add-score needs --field, and --min-perplexity or --max-perplexity"
    if options.resample and not (options.confidence or options.compare):
        yield "--resample needs --confidence or --compare"
    if options.force and not (options.save or options.plot):
        yield "--force is for --save or --plot"
    if options.resample == "file" and options.per == "file":
        yield "--resample file needs --per corpus"
    if options.min_count and options.vocab:
        yield "--min-count and --vocab both choose the vocabulary: give one of them"
    yield from _format_complaints(options)
    for path, n_times in Counter(_readings(options)).items():
        if n_times > 1 and _is_stream(path):
            name = "standard input" if path == "-" else path
            yield f"{name} can be read only once, and this needs it twice: save it to a file first"


def _filter_complaints(options: Options) -> Iterator[str]:
    yield from _given(options, _REPORT, "is for a report; --min-perplexity and --max-perplexity print lines instead")
    low, high = options.min_perplexity, options.max_perplexity
    if low is not None and high is not None and low > high:
        yield f"no line has a perplexity from --min-perplexity {low:g} to --max-perplexity {high:g}"


def _dask_complaints(options: Options) -> Iterator[str]:
    yield from _given(options, _LINES, "looks at lines, and --dask counts words")
    if options.per in ("line", "word"):
        yield f"a figure for each {options.per} looks at lines, and --dask counts words"
    if "-" in [*options.corpus, *(options.train or ())]:
        yield "the workers of --dask cannot read standard input: save it to a file on storage that they share"


def _format_complaints(options: Options) -> Iterator[str]:
    if options.format in SUMMARIES:
        asked = {
            "a comparison of tokenizers": "," in options.tokenizer,
            "--verbose word": options.per == "word",
            "--compare": options.compare,
            "--confidence": options.confidence,
        }
        for option in filter(asked.get, asked):
            yield f"{option} has no --format {options.format}; use text, json or csv"


def _selection_complaints(options: Options) -> Iterator[str]:
    if not (options.target and options.raw):
        yield "--target and --raw need each other: text of the kind that is wanted, and text to choose from"
    if not (options.top or options.sample or options.score):
        yield "say what to choose: --top 10%, --sample N, or --score for all of it with scores"
    if options.corpus:
        yield f"{options.corpus[0]}: there is no CORPUS where text is chosen; it comes from --raw"
    if "," in options.tokenizer:
        yield "choosing text needs a single --tokenizer"
    yield from _given(options, _NOT_FOR_SELECTION, "is not for choosing text (--target and --raw)")
    if options.seed is not None and not options.sample:
        yield "--seed is for --sample, which is all that is random"
    for path in filter(_is_stream, options.raw or ()):
        name = "standard input" if path == "-" else path
        yield f"{name} can be read only once, and --raw is read twice: save it to a file first"


# Options that go, or do not go, with a kind of work.
_SELECTION = ("top", "sample", "score", "buckets", "seed", "score_field")
_NOT_FOR_SELECTION = (
    *("train", "model", "compare", "save", "background", "min_count", "vocab", "eos", "oov", "base"),
    *("dask", "confidence", "resample", "min_perplexity", "max_perplexity", "per", "format", "plot"),
)
_TRAINING = ("smoothing", "smoothing_parameter", "background", "min_count", "vocab", "eos", "save")
_ONE_MODEL = ("min_perplexity", "max_perplexity", "plot", "per")
_LINES = ("compare", "confidence", "min_perplexity", "max_perplexity", "plot")
_ONE_TOKENIZER = (
    *("model", "compare", "save", "background", "vocab", "per", "plot", "confidence"),
    *("min_perplexity", "max_perplexity"),
)
_REPORT = ("per", "format", "confidence", "plot")


def _given(options: Options, names: Sequence[str], why: str) -> Iterator[str]:
    for name in names:
        if getattr(options, name) != Options._field_defaults[name]:
            yield f"--{name.replace('_', '-')} {why}"


def _readings(options: Options) -> list[str]:
    """Every file, as often as it is read."""
    models = [options.model, options.background, options.vocab, *(options.compare or [])]
    if options.words and not options.corpus:
        return [*(options.compare or [])] * 2
    training = list(options.train or [])
    if not options.corpus:
        return [*filter(None, models), *training * _passes(options, trains=True) * (1 + options.tokenizer.count(","))]
    trains = not (options.train or options.model or options.compare)
    n_tokenizers = 1 + options.tokenizer.count(",")
    return [*filter(None, models), *[*training, *list(options.corpus) * _passes(options, trains)] * n_tokenizers]


def _passes(options: Options, trains: bool) -> int:
    """How often the corpus is read: to train, to count, and line by line."""
    by_line = options.filters or options.per in ("line", "word")
    counts = not by_line and (options.per == "file" or not trains)
    samples = bool(options.confidence) or bool(options.plot)
    return 2 if options.compare else trains + counts + by_line + samples


def _is_stream(path: str) -> bool:
    """Whether a file has no beginning to go back to: standard input, or a pipe."""
    return path == "-" or (os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path))
