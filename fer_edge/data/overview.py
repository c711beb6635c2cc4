"""A contact sheet of an audited set: some pictures of each class, then what was found, each with its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

import cv2
import numpy as np

from fer_edge.data.audit import COPIES, FLAGS, Audit
from fer_edge.preprocess import Image

COLUMNS, ROWS = 10, 3  # of each part
SIDE, CAPTION, HEADING, GAP = 112, 32, 30, 4  # pixels
MAX_CLASSES = 30
FONT = cv2.FONT_HERSHEY_SIMPLEX
PAPER, INK = 255, (40, 40, 40)
SEED = 0


def overview(audit: Audit) -> bytes:
    """Draw the sheet, a row of cells for each ten pictures; returns it as PNG."""
    strips = [_heading("People's faces: for your eyes, not for publication")]
    for title, indices in _parts(audit):
        strips.append(_heading(title))
        strips += [_strip(audit, indices[k : k + COLUMNS]) for k in range(0, len(indices), COLUMNS)]
    sheet = np.concatenate(strips)
    return bytes(cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1])


def _parts(audit: Audit) -> Iterator[tuple[str, Sequence[int | None]]]:
    random = np.random.default_rng(SEED)
    for target, label in list(enumerate(audit.images.labels))[:MAX_CLASSES]:
        members = [int(i) for i in np.flatnonzero(audit.images.targets == target) if i not in audit.unreadable]
        some = random.choice(members, min(COLUMNS, len(members)), replace=False)
        yield f"{label}: some of {len(members)}", np.sort(some).tolist()
    for flag in FLAGS:
        if indices := audit.flagged[flag]:
            yield f"{flag.replace('_', ' ')}: {len(indices)}", indices[: COLUMNS * ROWS]
    for kind, groups in audit.copies().items():
        if groups:
            yield f"{COPIES[kind]} ({kind}): {len(groups)}", _side_by_side(groups)


def _side_by_side(groups: Sequence[Sequence[int]]) -> list[int | None]:
    """Rows of groups, a gap after each, none torn; what does not fit in the part is left out."""
    cells: list[int | None] = []
    for group in groups:
        shown = group[:COLUMNS]
        if len(cells) % COLUMNS + len(shown) > COLUMNS:
            cells += [None] * (-len(cells) % COLUMNS)
        if len(cells) >= COLUMNS * ROWS:
            break
        cells += shown
        if len(cells) % COLUMNS:
            cells.append(None)
    return cells


def _strip(audit: Audit, indices: Sequence[int | None]) -> Image:
    strip = np.full((SIDE + CAPTION, COLUMNS * (SIDE + GAP), 3), PAPER, np.uint8)
    for column, index in enumerate(indices):
        if index is None:
            continue
        left = column * (SIDE + GAP)
        picture = _fitted(audit.images.image(index))
        strip[: picture.shape[0], left : left + picture.shape[1]] = picture
        cell = strip[:, left : left + SIDE]
        _write(cell, f"{audit.subsets[index]} {audit.label(index)}", SIDE + 12)
        _write(cell, PurePosixPath(audit.images.names[index]).name, SIDE + 25)
    return strip


def _fitted(image: Image) -> Image:
    scale = SIDE / max(image.shape[:2])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _heading(text: str) -> Image:
    strip = np.full((HEADING, COLUMNS * (SIDE + GAP), 3), PAPER, np.uint8)
    _write(strip, text, HEADING - 9, scale=0.5)
    return strip


def _write(picture: Image, text: str, base: int, scale: float = 0.33) -> None:
    """Write what OpenCV's font can show: ASCII."""
    cv2.putText(picture, text.encode("ascii", "replace").decode(), (GAP // 2, base), FONT, scale, INK, 1, cv2.LINE_AA)
