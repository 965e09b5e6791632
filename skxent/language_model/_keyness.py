r"""The words that tell two texts, or two models, apart, each with its part of the difference.

Between two texts, the difference is the Jensen-Shannon divergence of their word frequencies p and q, in bits [1]_. It
is a sum over words, and the part of a word is

.. math:: \tfrac12 \left( p(w) \log_2 \frac{p(w)}{m(w)} + q(w) \log_2 \frac{q(w)}{m(w)} \right),
   \qquad m = \tfrac12 (p + q),

which is never negative and needs no smoothing. Here it gets the sign of :math:`p(w) - q(w)`, so that words of the first
text are positive and words of the second negative, and an interval that holds zero means that the texts do not show in
which of them the word is more frequent.

Between two models on one text, the difference is that of their cross-entropies, and the part of a word is
:math:`\frac{c(w)}{N} \log_2 \frac{p_2(w)}{p_1(w)}`.

The words of a text are no independent draws: a name fills one document and no other. The usual tests of keyness
(log-likelihood, :math:`\chi^2`) take them as independent and so find far too many words [2]_. The intervals here are
of a bootstrap that draws blocks of neighbouring documents or lines, for each word as long as its occurrences depend on
one another.

References
----------
.. [1] Lin, J. (1991). Divergence measures based on the Shannon entropy. *IEEE Transactions on Information Theory*
   37(1), 145-151. https://doi.org/10.1109/18.61115. As word shifts: Gallagher, R. J. et al. (2021). Generalized word
   shift graphs. *EPJ Data Science* 10, 4. https://doi.org/10.1140/epjds/s13688-021-00260-3
.. [2] Lijffijt, J. et al. (2016). Significance testing of word frequencies in corpora. *Digital Scholarship in the
   Humanities* 31(2), 374-397. https://doi.org/10.1093/llc/fqu064
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from skxent._polars import pl
from skxent._typing import Floats, Integers
from skxent.language_model._blocks import Piece, pieces_of_texts
from skxent.language_model._bootstrap import Units, block_length, interval, join_neighbours, resample
from skxent.language_model._corpus import (
    CorpusCounts,
    Document,
    block_options,
    checked_documents,
    count_text,
    map_pieces,
    start_workers,
)
from skxent.language_model._model import WordScores
from skxent.language_model._options import END_OF_SENTENCE
from skxent.language_model._reader import read_pieces
from skxent.language_model._token_values import TokenValues
from skxent.language_model._tokenizers import Tokenize
from skxent.language_model._vocabulary import Vocabulary, WordValues

__all__ = [
    "Keyness",
    "Occurrences",
    "Shares",
    "keyness",
    "model_shares",
    "shares_of_models",
    "shares_of_texts",
    "text_shares",
    "with_intervals",
]

# Neighbouring lines are joined beyond twice so many units, so that memory is bounded.
_MAX_UNITS = 1024
# Numbers in a table of lines and words that are made at a time.
_CELLS = 1 << 20

# Takes the rates of the words in each of the texts, and returns their parts of the difference.
Shares = Callable[..., Floats]


@dataclass(frozen=True)
class Keyness:
    """The words that carry most of a difference.

    Attributes
    ----------
    table : polars.DataFrame
        A row a word, the largest part first: ``word``; ``share``, its part of the difference, in bits; ``low`` and
        ``high``, the ends of its interval, null where there are fewer than two units to draw; ``count_1`` and
        ``count_2``, how often each text has it.
    divergence : float
        The whole difference, in bits: the sum over all words of the absolute parts.
    level : float
        Level of the intervals, each of which is for one word that was chosen before looking.
    """

    table: pl.DataFrame
    divergence: float
    level: float

    @property
    def words(self) -> list[str]:
        """The words, the largest part first."""
        return self.table["word"].to_list()


def keyness(
    first: Iterable[Document],
    second: Iterable[Document],
    *,
    n_words: int = 20,
    level: float = 0.95,
    tokenizer: str | Tokenize = "whitespace",
    lowercase: bool = False,
    n_jobs: int | None = None,
) -> Keyness:
    """Find the words that tell two texts apart.

    Each word has its part of the Jensen-Shannon divergence of the word frequencies, positive if the first text has it
    more often, with an interval of a bootstrap over blocks of documents.

    Parameters
    ----------
    first, second : iterable of str or of sequences of str
        The documents of the two texts, or their tokens. An interval needs at least two documents in each; with fewer
        than about ten it is wide, as it should be.
    n_words : int, default=20
        How many words.
    level : float, default=0.95
        Level of the intervals.
    tokenizer, lowercase, n_jobs
        As in :func:`~skxent.language_model.count_text`.

    Returns
    -------
    Keyness

    Raises
    ------
    ValueError
        If a text has no words, or a parameter is out of range.
    TypeError
        If a text is a single string, or a document is neither text nor tokens.

    Examples
    --------
    >>> from skxent.language_model import keyness
    >>> sea = ["the tide runs out", "the boat lies in the mud", "the boat and the tide"]
    >>> sky = ["the moon is out", "the stars are bright", "a planet in the west", "the moon and the stars"]
    >>> found = keyness(sea, sky, n_words=3)
    >>> dict(zip(found.words, found.table["share"].round(3)))
    {'boat': 0.067, 'tide': 0.067, 'moon': -0.056}
    """
    if n_words < 1 or not 0 < level < 1:
        raise ValueError(f"expected n_words of at least 1 and a level between 0 and 1, got {n_words!r} and {level!r}")
    reading: dict[str, Any] = dict(tokenizer=tokenizer, lowercase=lowercase, n_jobs=n_jobs)
    texts = [list(checked_documents(documents)) for documents in (first, second)]
    shares = shares_of_texts(*(count_text(documents, **reading) for documents in texts))
    table = shares.head(n_words)
    found = Occurrences(table["word"], **reading)
    units = [found.in_documents(documents) for documents in texts]
    return Keyness(with_intervals(table, units, text_shares, level), float(shares["share"].abs().sum()), level)


def shares_of_texts(first: CorpusCounts, second: CorpusCounts) -> pl.DataFrame:
    """Return the part of each word in the divergence of two texts, the largest first.

    Raises
    ------
    ValueError
        If a text has no words.
    """
    if not (first.n_tokens and second.n_tokens):
        raise ValueError(f"there are no words in the {'second' if first.n_tokens else 'first'} text")
    columns = ["word", "count"]
    rows = first.rows.select(columns).join(second.rows.select(columns), on="word", how="full", coalesce=True)
    rows = rows.fill_null(0).rename({"count": "count_1", "count_right": "count_2"})
    rates = (rows["count_1"].to_numpy() / first.n_tokens, rows["count_2"].to_numpy() / second.n_tokens)
    return _sorted(rows.insert_column(1, pl.Series("share", text_shares(*rates))))


def text_shares(p: Floats, q: Floats) -> Floats:
    """Return the signed parts of words with these rates in the Jensen-Shannon divergence, in bits."""
    middle = (p + q) / 2
    parts = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return np.copysign(np.maximum(parts, 0.0), p - q)


def _relative_entropy(p: Floats, q: Floats) -> Floats:
    return p * np.log2(np.divide(p, q, out=np.ones_like(q), where=p > 0))


def model_shares(models: Sequence[WordScores], counts: CorpusCounts, *, oov: str = "unk") -> pl.DataFrame:
    """Return the part of each word of a text in the difference of two models' cross-entropies, the largest first.

    Parameters
    ----------
    models : sequence of two WordScores
        The models, over the same words, see :func:`~skxent.language_model.comparable`.
    counts : CorpusCounts
        The text.
    oov : {"unk", "skip"}, default="unk"
        With ``"skip"`` unknown words are left out.

    Returns
    -------
    polars.DataFrame
        Columns ``word``, ``share`` (in bits, positive where the first model gives the word less), ``count``,
        ``unknown_1`` and ``unknown_2``, and ``gain``, the share of one occurrence.
    """
    first, second = (model.events(counts) for model in models)
    gain = (second["log_prob"] - first["log_prob"]) / np.log(2)
    rows = first.select("word", "count").with_columns(
        gain.alias("gain"), first["unknown"].alias("unknown_1"), second["unknown"].alias("unknown_2")
    )
    if oov == "skip":
        rows = rows.filter(~(pl.col("unknown_1") | pl.col("unknown_2")))
    share = pl.col("gain") * pl.col("count") / pl.col("count").sum()
    return _sorted(rows.select("word", share.alias("share"), "count", "unknown_1", "unknown_2", "gain"))


def shares_of_models(models: Sequence[WordScores]) -> pl.DataFrame:
    """Return the part of each word in the divergence of two models over the same words, the largest first."""
    first, second = (model.table.rename({"log_prob": f"probability_{i}"}) for i, model in enumerate(models, 1))
    rows = first.join(second, on="word", how="full", coalesce=True)
    rows = rows.with_columns(
        pl.col(f"probability_{i}").fill_null(model.log_prob_unk).exp() for i, model in enumerate(models, 1)
    )
    rates = (rows[f"probability_{i}"].to_numpy() for i in (1, 2))
    return _sorted(rows.insert_column(1, pl.Series("share", text_shares(*rates))))


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort([pl.col("share").abs(), "word"], descending=[True, False])


@dataclass(frozen=True)
class Occurrences:
    """Counts some words in each unit of a text.

    Attributes
    ----------
    words : polars.Series of str
        The words.
    tokenizer, lowercase, n_jobs
        As in :func:`~skxent.language_model.count_text`.
    ends : {"lines", "sentences"} or None
        Whether each line, or each line with a token, ends with an event that counts as ``</s>``.
    """

    words: pl.Series
    tokenizer: str | Tokenize = "whitespace"
    lowercase: bool = False
    n_jobs: int | None = None
    ends: str | None = None

    def in_files(self, paths: Iterable[str | Path], **reading: Any) -> Floats:
        """Count in the lines or documents of files, read as :func:`~skxent.language_model.count_files` says.

        Returns
        -------
        ndarray of shape (n_units, n_words + 1)
            The count of each word in each unit, and last that of all events. A unit is a line or document, or as many
            neighbours as keep the units few.
        """
        options = block_options(self.tokenizer, reading.pop("block_bytes", None))
        return self._in_pieces(read_pieces(paths, **reading, **options))

    def in_documents(self, documents: Sequence[Document]) -> Floats:
        """Count in documents in memory; the result is as that of :meth:`in_files`."""
        texts = [document for document in documents if isinstance(document, str)]
        pieces = pieces_of_texts(texts, block_options(self.tokenizer, None)["block_bytes"])
        of_texts = self._in_pieces(pieces)
        lists = [document for document in documents if not isinstance(document, str)]
        columns = self._values().of_words(chain.from_iterable(lists))
        sizes = np.array(list(map(len, lists)), dtype=np.int64)
        return np.concatenate([of_texts, self._units([_Found(columns, sizes, np.zeros_like(sizes))])])

    def _values(self) -> TokenValues:
        columns = np.arange(len(self.words), dtype=np.float64)
        return TokenValues(
            WordValues(Vocabulary.of_strings(self.words), columns, np.nan), self.tokenizer, self.lowercase
        )

    def _in_pieces(self, pieces: Iterable[Piece]) -> Floats:
        values = self._values()
        with start_workers(values.tokenize, self.n_jobs) as workers:
            return self._units(map_pieces(partial(_found_in, values, self.ends), pieces, workers))

    def _units(self, found: Iterable[_Found]) -> Floats:
        units = Units((len(self.words) + 1,), max_units=_MAX_UNITS)
        for counted in _close_cut_lines(found, self.ends is not None):
            for rows in _tables(counted, len(self.words), self.words.index_of(END_OF_SENTENCE)):
                units.add(rows[rows[:, -1] > 0])
        units.close()
        return units.sums


class _Found(NamedTuple):
    """Words found in records.

    Attributes
    ----------
    columns : ndarray of shape (n_tokens,)
        The column of each token, NaN for other words.
    sizes, ends : ndarray of shape (n_records,)
        Tokens and ends of sentences of each record.
    is_open : bool
        Whether the last record goes on in what follows.
    """

    columns: Floats
    sizes: Integers
    ends: Integers
    is_open: bool = False


def _found_in(values: TokenValues, ends: str | None, piece: Piece) -> _Found:
    block = piece.make()
    columns, sizes = values.of_text(block.data, block.ends_line)
    n_ends = np.ones_like(sizes) if ends == "lines" else np.minimum(sizes, 1 if ends == "sentences" else 0)
    if block.documents is None:
        return _Found(columns, sizes, n_ends, not block.ends_line)
    first = np.cumsum(block.documents.n_lines) - block.documents.n_lines
    if not len(first):
        return _Found(columns, sizes, n_ends)
    return _Found(columns, np.add.reduceat(sizes, first), np.add.reduceat(n_ends, first))


def _close_cut_lines(found: Iterable[_Found], has_ends: bool) -> Iterator[_Found]:
    """Let a line that is longer than a block end once, with its last piece."""
    is_filled = False
    for counted in found:
        ends = counted.ends.copy()
        if has_ends and is_filled:
            ends[0] = 1
        is_filled = counted.is_open and bool(counted.sizes[-1] or (is_filled and len(ends) == 1))
        if counted.is_open:
            ends[-1] = 0
        yield counted._replace(ends=ends)


def _tables(found: _Found, n_words: int, end: int | None) -> Iterator[Floats]:
    """Yield tables of records, with a column for each word and one for all events."""
    records = np.repeat(np.arange(len(found.sizes)), found.sizes)
    is_word = ~np.isnan(found.columns)
    records, columns = records[is_word], found.columns[is_word].astype(np.int64)
    n_rows = max(_CELLS // n_words, 1)
    for begin in range(0, len(found.sizes), n_rows):
        sizes, ends = found.sizes[begin : begin + n_rows], found.ends[begin : begin + n_rows]
        chosen = slice(*np.searchsorted(records, [begin, begin + n_rows]))
        cells = (records[chosen] - begin) * (n_words + 1) + columns[chosen]
        table = np.bincount(cells, minlength=len(sizes) * (n_words + 1)).reshape(-1, n_words + 1).astype(np.float64)
        table[:, -1] = sizes + ends
        if end is not None:
            table[:, end] += ends
        yield table


def with_intervals(
    table: pl.DataFrame, units: Sequence[Floats], shares: Shares, level: float, *, in_blocks: bool = True
) -> pl.DataFrame:
    """Add the columns ``low`` and ``high``, the ends of a bootstrap interval for the part of each word.

    Parameters
    ----------
    table : polars.DataFrame
        The words.
    units : sequence of ndarray of shape (n_units, n_words + 1)
        Where they are in each text, see :class:`Occurrences`.
    shares : callable
        Takes an array of rates, of shape (n_resamples, n_words), for each text.
    level : float
        Level of the intervals.
    in_blocks : bool, default=True
        Whether neighbouring units are drawn together where a word's occurrences depend on one another.
    """
    if any(len(sums) < 2 for sums in units):
        nothing = pl.lit(None, pl.Float64)
        return table.with_columns(nothing.alias("low"), nothing.alias("high"))
    resampled = [_resampled_rates(sums, seed, in_blocks) for seed, sums in enumerate(units)]
    n_units = np.min([n for _, n in resampled], axis=0)
    drawn = shares(*(rates for rates, _ in resampled))
    ends = [interval(column, level, n) for column, n in zip(drawn.T, n_units.tolist(), strict=True)]
    columns = dict(zip(("low", "high"), np.reshape(ends, (-1, 2)).T, strict=True))
    return table.with_columns(pl.Series(name, values) for name, values in columns.items())


def _resampled_rates(sums: Floats, seed: int, in_blocks: bool) -> tuple[Floats, Integers]:
    """Return the rate of each word in resamples, and how many blocks were drawn from."""
    counts, sizes = sums[:, :-1], sums[:, -1]
    influence = counts - np.outer(sizes, counts.sum(axis=0) / sizes.sum())
    lengths = np.array([block_length(column) if in_blocks else 1 for column in influence.T])
    rates = []
    for length in np.unique(lengths):
        at = np.flatnonzero(lengths == length)
        drawn = resample(join_neighbours(sums[:, [*at, -1]], int(length)), seed=seed)
        rates.append((at, drawn[:, :-1] / drawn[:, -1:]))
    order = np.argsort(np.concatenate([at for at, _ in rates]))
    return np.concatenate([drawn for _, drawn in rates], axis=1)[:, order], -(-len(sums) // lengths)
