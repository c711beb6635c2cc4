"""Boxes and labels drawn into a frame."""

from __future__ import annotations

import numpy as np

from fer_edge.preprocess import Box, Image
from fer_edge.runtime.message import Message

import cv2  # isort: skip - after preprocess, which sets OpenCV's limits

COLOURS = ((64, 196, 255), (255, 179, 64), (128, 222, 128), (255, 128, 171), (186, 155, 255), (255, 241, 118))
FONT = cv2.FONT_HERSHEY_SIMPLEX


def annotated(pixels: Image, message: Message) -> Image:
    """A copy of a frame, uint8[H, W, 3] RGB, with a box, number, label and confidence for each face."""
    picture: Image = pixels.copy()
    for face in message.faces:
        mark(picture, face.box, f"{face.track_id} {face.label} {face.confidence:.2f}", face.track_id)
    return picture


def mark(picture: Image, box: Box, text: str, number: int) -> None:
    """Draw into `picture`, uint8[H, W, 3] RGB, a box with a text above it; `number` chooses the colour."""
    unit = max(0.4, min(picture.shape[:2]) / 480)
    colour, text = COLOURS[number % len(COLOURS)], _ascii(text)
    left, top, width, height = (round(v) for v in box)
    line = max(1, round(2 * unit))
    right, bottom = min(left + width, picture.shape[1] - 1), min(top + height, picture.shape[0] - 1)
    cv2.rectangle(picture, (left, top), (right, bottom), colour, line, cv2.LINE_AA)
    (text_width, text_height), base = cv2.getTextSize(text, FONT, 0.55 * unit, line)
    x = int(np.clip(left, 0, max(0, picture.shape[1] - text_width)))
    y = max(top - base, text_height + base)
    cv2.rectangle(picture, (x, y - text_height - base), (x + text_width, y + base), colour, -1)
    cv2.putText(picture, text, (x, y), FONT, 0.55 * unit, (20, 20, 20), line, cv2.LINE_AA)


def _ascii(text: str) -> str:
    """OpenCV draws nothing else."""
    return text.encode("ascii", "replace").decode()
