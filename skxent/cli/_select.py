"""Print the records of a raw text that look like a target."""

from __future__ import annotations

import sys

from skxent.cli._notes import Notes
from skxent.cli._options import Options
from skxent.cli._progress import Progress
from skxent.language_model._options import LEAVE_ONE_OUT

__all__ = ["select_records"]


def select_records(options: Options, progress: Progress, notes: Notes) -> None:
    """Print the selected records, whole and in their format, to standard output."""
    from skxent.language_model._selection import select_texts  # it takes time to import, and few runs need it

    with notes.of_warnings():
        selection = select_texts(
            options.target,
            options.raw,
            top=options.top,
            sample=options.sample,
            buckets=options.buckets,
            seed=options.seed,
            input="filename",
            field=options.field,
            tokenizer=options.tokenizer,
            lowercase=options.lowercase,
            encoding=options.encoding,
            decode_error=options.errors,
            skip_bad_records=options.skip_bad,
            smoothing=options.smoothing or "witten_bell",
            smoothing_parameter=LEAVE_ONE_OUT if options.smoothing_parameter is None else options.smoothing_parameter,
            n_jobs=options.jobs,
            progress=progress.start,
        )
    progress.wipe()
    with_score = options.score or options.field is not None
    selection.write(sys.stdout.buffer, with_score=with_score, score_field=options.score_field)
    notes.skipped(selection.problems)
    notes.say(selection.summary)
