"""Which images of an audited set to keep."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from fer_edge.data.audit import BLANK, Audit
from fer_edge.data.folder import LabelledImages
from fer_edge.errors import DataError

LEFT_OUT = {
    "unreadable": "cannot be read",
    "blank": "one tone all over",
    "conflict": "the same photo under several labels: none is kept",
    "leak": "the same photo is kept in another subset",
    "duplicate": "the same photo is kept in the same subset",
}
KEEP_FIRST = {"test": 0, "train": 2}  # other subsets come between: test stays as whole as it can


@dataclass(frozen=True)
class Cleaned:
    """What remains.

    Attributes:
        subsets: subset -> images to keep.
        left_out: a key of `LEFT_OUT` -> number of images.
    """

    subsets: dict[str, LabelledImages]
    left_out: dict[str, int]


def cleaned(audit: Audit) -> Cleaned:
    """Leave out what cannot be read or is blank, photos with several labels, and all but one copy of each photo.

    Raises:
        DataError: nothing would be left.
    """
    reasons = dict.fromkeys(audit.unreadable, "unreadable") | dict.fromkeys(audit.flagged[BLANK], "blank")
    for group in audit.groups:
        kept = min(group, key=lambda i: (KEEP_FIRST.get(audit.subsets[i], 1), i))
        for i in group:
            if audit.conflicts(group):
                reasons[i] = "conflict"
            elif i != kept:
                reasons[i] = "duplicate" if audit.subsets[i] == audit.subsets[kept] else "leak"
    by_subset: dict[str, list[int]] = {}
    for i, subset in enumerate(audit.subsets):
        if i not in reasons:
            by_subset.setdefault(subset, []).append(i)
    if not by_subset:
        raise DataError(f"of {audit.images.source} no image would be left", "See the audit's findings")
    counts = Counter(reasons.values())
    return Cleaned(
        {subset: audit.images.take(np.array(kept)) for subset, kept in by_subset.items()},
        {reason: counts[reason] for reason in LEFT_OUT},
    )
