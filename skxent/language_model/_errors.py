"""What is raised about text that cannot be used."""

from __future__ import annotations

__all__ = ["CorpusError", "UndecodableError"]


class CorpusError(Exception):
    """A corpus or a model cannot be used; the message is one line that names the file and the line or byte."""


class UndecodableError(CorpusError):
    """Bytes that are no text in the encoding; ``problem`` says so without the advice that follows."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"{problem}; give the encoding of the text, or have such bytes replaced (errors='replace'; of an "
            "estimator, decode_error='replace')"
        )
        self.problem = problem

    def __reduce__(self) -> tuple[type[UndecodableError], tuple[str]]:
        """Pickle the problem, from which the message is made; worker processes send errors so."""
        return type(self), (self.problem,)
