"""ARPA files: the format in which language-model tools exchange models."""

import math
import os
from pathlib import Path

import numpy as np
import polars as pl

from skxent.language_model.model import END_OF_SENTENCE, UNKNOWN, FittedUnigram


def write_arpa(model: FittedUnigram, path: str | Path) -> None:
    """Write a model as ARPA, beside the target and then renamed."""
    rows = [("<s>", -99.0), (END_OF_SENTENCE, model.log_prob_eos), (UNKNOWN, model.log_prob_unk)]
    rows += list(zip(model.words, model.log_probs.tolist(), strict=True))
    part = Path(f"{path}.part")
    with open(part, "w", encoding="utf-8", newline="\n") as f:
        f.write(f"\\data\\\nngram 1={len(rows)}\nngram 2=0\n\n\\1-grams:\n")
        for word, log_p in rows:
            x = -99 if log_p is None or log_p == -math.inf or word == "<s>" else log_p / math.log(10)
            f.write(f"{x:.10g}\t{word}\n")
        f.write("\n\\2-grams:\n\n\\end\\\n")
    os.replace(part, path)


def read_arpa(path: str | Path) -> FittedUnigram:
    """Read a unigram model."""
    words, logs, special = [], [], {}
    for line in Path(path).read_text(encoding="utf-8").split("\n"):
        field = line.split("\t")
        if len(field) < 2:
            continue
        x = -math.inf if float(field[0]) <= -99 else float(field[0]) * math.log(10)
        if field[1] in ("<s>", END_OF_SENTENCE, UNKNOWN):
            special[field[1]] = x
        else:
            words.append(field[1])
            logs.append(x)
    eos = special.get(END_OF_SENTENCE, -math.inf)
    return FittedUnigram(pl.Series("word", words, dtype=pl.String), np.array(logs), special.get(UNKNOWN, -math.inf), None if eos == -math.inf else eos)
