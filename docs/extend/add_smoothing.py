"""A smoothing method of your own: a tenth added to every count."""

from skxent.language_model import CountwiseSmoothing
from skxent.testing import check_smoothing


class AddOneTenth(CountwiseSmoothing, name="add_one_tenth"):
    """Add a tenth to the count of every event."""

    def kept(self, r, parameter):
        """Keep all of the counts."""
        return r

    def spare(self, n_tokens, n_types, n_vocabulary, parameter):
        """Spare a tenth for every event."""
        return 0.1 * n_vocabulary + 0.0 * n_tokens


check_smoothing(AddOneTenth())
