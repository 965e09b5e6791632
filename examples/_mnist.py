"""MNIST for the examples: the real ``fetch_openml``, with no network."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sklearn.datasets import fetch_openml

DATA_HOME = Path(__file__).resolve().parents[1] / "data" / "scikit_learn_data"

N_TRAIN = 60_000


def load_mnist(n_train=N_TRAIN):
    """Read the images of handwritten digits that come with the repository.

    scikit-learn deletes a cached file that it cannot parse, so it is given a copy. Reading every column as
    bytes, rather than as the integers and categories that the file's header speaks of, takes half the time
    and a quarter of the memory, and does without the parsing of categories that fails with pandas 3.1. Training
    images that are not asked for are skipped.

    Parameters
    ----------
    n_train : int, default=60000
        How many of the 60,000 training images to return, from the first.

    Returns
    -------
    X_train : ndarray of shape (n_train, 784), float32
        Grey levels from 0 to 1.
    y_train : ndarray of shape (n_train,), int
        Digits.
    X_test : ndarray of shape (10000, 784), float32
        Images by other writers.
    y_test : ndarray of shape (10000,), int
        Their digits.

    Raises
    ------
    ValueError
        If `n_train` is not between 1 and 60,000.
    FileNotFoundError
        If the repository's copy is not where it should be.
    """
    if not 1 <= n_train <= N_TRAIN:
        raise ValueError(f"n_train={n_train}: MNIST has {N_TRAIN} training images.")
    with TemporaryDirectory() as data_home:
        shutil.copytree(DATA_HOME, data_home, dirs_exist_ok=True)
        X, y = fetch_openml(
            "mnist_784",
            version=1,
            as_frame=False,
            return_X_y=True,
            data_home=data_home,
            read_csv_kwargs={"dtype": "uint8", "skiprows": range(n_train, N_TRAIN)},
        )
    X_train, X_test = (np.divide(part, 255, dtype=np.float32, order="C") for part in (X[:n_train], X[n_train:]))
    return X_train, y[:n_train].astype(int), X_test, y[n_train:].astype(int)
