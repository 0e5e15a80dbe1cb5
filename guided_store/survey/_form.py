"""The questions, their answers, and the columns of a file of answers."""

from __future__ import annotations

CHOICES = ("left", "right", "same")
"""Answers to which list, which explanation."""

RATINGS = ("1", "2", "3", "4", "5")
"""1 not convincing at all, 5 fully convincing."""

FITS = "fits"
CLEARER = "clearer"
PREFERENCES = {
    FITS: "Which list fits this history better?",
    CLEARER: "Whose explanations are clearer?",
}

CONVINCING = {"left": "left_convincing", "right": "right_convincing"}
ASKED = {
    **PREFERENCES,
    CONVINCING["left"]: "How convincing are the explanations on the left?",
    CONVINCING["right"]: "How convincing are the explanations on the right?",
}
"""Column of a file of answers -> the question as it is asked, in the order asked."""

ALLOWED = {name: CHOICES if name in PREFERENCES else RATINGS for name in ASKED}
"""Column -> what may stand in it."""

COMMENT = "comment"
NEEDED = ("sheet", "rater", "question", *ASKED)
"""Columns that a file of answers must have; others are passed over."""
