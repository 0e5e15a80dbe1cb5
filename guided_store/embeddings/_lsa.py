"""Latent semantic analysis (Deerwester et al. 1990): TF-IDF of words and word pairs, reduced by an SVD."""

from __future__ import annotations

import importlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from guided_store.embeddings._standardise import standardise
from guided_store.errors import UsageError

if TYPE_CHECKING:
    from scipy import sparse

LARGE = 100
"""Texts from which on a term must be in two of them: a term of one text tells it from no other."""

# One character is a word too: "Halo 3" is not "Halo 2".
_WORD = re.compile(r"\w+")

_TOLERANCE = 1e-7
"""Spread below which a column is rounding, relative to the largest singular value."""


@dataclass(frozen=True)
class TextColumns:
    """Texts as columns that compare.

    Attributes:
        values: float64 (n, d); mean 0 and deviation 1 over the texts that hold a counted term, 0 elsewhere.
            Column j is the j-th singular direction of the TF-IDF matrix, by falling singular value.
        known: bool (n,), texts that hold a counted term.
        deviation: float64 (d,), what each column was divided by.
        vocabulary: how many terms count.
        min_df: in how many texts a term must be to count.
        explained: share of the TF-IDF matrix's variance that the d directions keep, 0..1.
        library: name and version of what computed them.
    """

    values: NDArray[np.float64]
    known: NDArray[np.bool_]
    deviation: NDArray[np.float64]
    vocabulary: int
    min_df: int
    explained: float
    library: str


@dataclass(frozen=True)
class Directions:
    """What texts have most in common, and how much of it each text has.

    Attributes:
        values: float64 (n, d), rows of the TF-IDF matrix in the first d singular directions; 0 without terms.
        singular_values: float64 (d,), falling.
        explained: share of the variance of the rows with terms that the directions keep, 0..1.
    """

    values: NDArray[np.float64]
    singular_values: NDArray[np.float64]
    explained: float


def terms(fields: Sequence[str]) -> list[str]:
    """Words, and pairs of neighbouring words, of one text; no pair reaches over the end of a field."""
    found: list[str] = []
    for text in fields:
        words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
        found += words
        found += [f"{first} {second}" for first, second in pairwise(words)]
    return found


def text_columns(texts: Sequence[Sequence[str]], dim: int, seed: int) -> TextColumns:
    """Reduce n texts to `dim` columns.

    TF-IDF, then its singular directions (`tfidf`, `lsa`). The columns are standardised like attributes, since
    singular values tell how common a direction is, not how telling.

    Args:
        texts: for each text its fields; no fields for an item without text.
        dim: columns, at least 1.
        seed: 0 to 2^32 - 1.

    Raises:
        UsageError: scikit-learn is not installed, no words, or not enough different ones for `dim` columns.
    """
    weights = tfidf(texts)
    known = _known(weights)
    most = _most_directions(weights)
    if dim > most:
        raise UsageError(
            f"cannot make {dim} columns of {int(known.sum()):,} texts with {weights.shape[1]:,} terms"
            + (f"; choose a dim of at most {most}" if most > 0 else "; they are too few")
        )
    found = lsa(weights, dim, seed)
    made = standardise(np.where(known[:, None], found.values, np.nan))
    noise = made.deviation * np.sqrt(known.sum()) <= _TOLERANCE * found.singular_values[0]
    if noise.any():
        good = int(np.argmax(noise))
        raise UsageError(
            f"the texts differ in fewer than {dim} directions"
            + (f"; choose a dim of at most {good}" if good else "; name other columns to read")
        )
    return TextColumns(
        values=made.values,
        known=known,
        deviation=made.deviation,
        vocabulary=weights.shape[1],
        min_df=_min_df(texts),
        explained=found.explained,
        library=f"scikit-learn {_sklearn().__version__}",
    )


def tfidf(texts: Sequence[Sequence[str]]) -> sparse.csr_matrix[np.float64]:
    """Words and pairs of neighbouring words of n texts, float64 (n, terms), rows of length 1 or 0.

    1 + ln(count) for counts and smoothed idf; from `LARGE` texts on, a term must be in two of them.

    Args:
        texts: for each text its fields; no fields for an item without text.

    Raises:
        UsageError: scikit-learn is not installed, or no words.
    """
    features = _sklearn("feature_extraction.text")
    min_df = _min_df(texts)
    vectoriser = features.TfidfVectorizer(analyzer=terms, sublinear_tf=True, min_df=min_df, dtype=np.float64)
    try:
        return vectoriser.fit_transform(texts)  # type: ignore[no-any-return]
    except ValueError:  # all that it raises here: no term is left
        where = "two texts share" if min_df == 2 else "the texts hold"
        raise UsageError(f"there is no word that {where}; name other columns to read") from None


def lsa(weights: sparse.csr_matrix[np.float64], dim: int, seed: int = 1) -> Directions:
    """The first singular directions of TF-IDF rows: `dim` of them, or as many as can be found.

    A truncated SVD (ARPACK, to machine precision; the seed sets its first vector), whose signs are fixed as
    those of `pca`.

    Args:
        weights: (n, terms), as `tfidf` gives them.
        dim: at least 1.
        seed: 0 to 2^32 - 1.

    Raises:
        UsageError: scikit-learn is not installed, or the texts are too few.
    """
    most = _most_directions(weights)
    if most < 1:
        raise UsageError("texts are compared by directions that two of them differ in; here are too few")
    known = np.flatnonzero(_known(weights))
    svd = _sklearn("decomposition").TruncatedSVD(
        min(dim, most), algorithm="arpack", random_state=seed, tol=0.0
    )
    with np.errstate(divide="ignore", invalid="ignore"):  # of texts that are all alike it asks 0 / 0
        reduced = svd.fit_transform(weights[known])
    values = np.zeros((weights.shape[0], reduced.shape[1]))
    values[known] = reduced * _signs(svd.components_)
    explained = min(1.0, float(svd.explained_variance_ratio_.sum()))
    return Directions(values, svd.singular_values_, explained)


def _min_df(texts: Sequence[Sequence[str]]) -> int:
    """In how many texts a term must be to count."""
    return 2 if sum(1 for text in texts if text) >= LARGE else 1


def _known(weights: sparse.csr_matrix[np.float64]) -> NDArray[np.bool_]:
    """Texts that hold a counted term, bool (n,)."""
    return np.diff(weights.indptr) > 0


def _most_directions(weights: sparse.csr_matrix[np.float64]) -> int:
    """How many directions ARPACK finds: fewer than the smaller side has."""
    return min(int(_known(weights).sum()), weights.shape[1]) - 1


def _signs(components: NDArray[np.float64]) -> NDArray[np.float64]:
    """Signs (k,) that make each row's entry of largest magnitude positive; near ties go to the first."""
    magnitude = np.abs(components)
    near = magnitude >= magnitude.max(axis=1, keepdims=True) * (1 - 1e-9)
    lead = np.take_along_axis(components, near.argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.where(lead < 0, -1.0, 1.0)


def _sklearn(module: str = "") -> Any:
    try:
        return importlib.import_module(f"sklearn.{module}" if module else "sklearn")
    except ImportError as error:
        raise UsageError(
            'vectors of texts by TF-IDF need scikit-learn: pip install "guided-store[text]"'
            + ("" if (error.name or "").partition(".")[0] == "sklearn" else f" ({error})")
        ) from None
