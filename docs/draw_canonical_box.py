"""Draw docs/figures/canonical_box.jpg from the framings in the code: `python docs/draw_canonical_box.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fer_edge.contract import InputContract
from fer_edge.preprocess import Box, Image
from fer_edge.runtime.faces import blazeface, haar
from fer_edge.runtime.faces.box import Framing
from fer_edge.synthetic import face

import cv2  # isort: skip - after preprocess, which sets OpenCV's limits

OUT = Path(__file__).parent / "figures" / "canonical_box.jpg"
WIDTH, HEIGHT, TOP, SIDE = 840, 480, 50, 340  # of the picture and of the crop, pixels
MARGIN = InputContract.model_fields["crop_margin"].default
COLOURS = {"BlazeFace": (230, 120, 0), "Haar": (0, 130, 70), "canonical": (200, 30, 60), "crop": (40, 40, 40)}


def own_box(framing: Framing, canonical: Box) -> Box:
    """The box that a detector draws where the canonical one is `canonical`."""
    left, top, side, _ = canonical
    own = side / framing.scale
    centre = left + side / 2 - framing.right * own, top + side / 2 - framing.down * own
    return (centre[0] - own / 2, centre[1] - own / 2, own, own)


def panel(picture: Image, left: int, title: str, framing: Framing) -> None:
    """One detector's box, the canonical one and the crop, on a drawn face whose crop begins at `left`."""
    head = face("happy", np.random.default_rng(3), 256)
    picture[TOP : TOP + SIDE, left : left + SIDE] = cv2.resize(head, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    side = SIDE / (1 + 2 * MARGIN)
    canonical = (left + (SIDE - side) / 2, TOP + (SIDE - side) / 2, side, side)
    boxes = {title: own_box(framing, canonical), "canonical": canonical, "crop": (left, TOP, SIDE, SIDE)}
    for number, (name, box) in enumerate(boxes.items()):
        x, y, width, height = (round(v) for v in box)
        cv2.rectangle(picture, (x, y), (x + width, y + height), COLOURS[name], 3, cv2.LINE_AA)
        text = {title: f"{title}'s own box", "crop": f"crop: {MARGIN:.0%} more on each side"}.get(name, name)
        place = (left, TOP + SIDE + 20 + 18 * number)
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.55, COLOURS[name], 1, cv2.LINE_AA)
    cv2.putText(picture, title, (left, TOP - 14), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 20, 20), 2, cv2.LINE_AA)


def main() -> None:
    """Write the picture."""
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    panel(picture, 50, "BlazeFace", blazeface.FRAMING)
    panel(picture, 440, "Haar", haar.FRAMING)
    OUT.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(OUT), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
