"""Hypothesis tries the same examples in every run; `pytest --hypothesis-profile=search` looks for new ones.

A test that sets its own number of examples, since each takes long, keeps it.
"""

from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2000, deadline=None, print_blob=True)
settings.load_profile("fixed")
