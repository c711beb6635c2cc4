"""From picture file to model input: the one path that training, calibration, verification and runtime share."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from fer_edge import MAX_PIXELS
from fer_edge.contract import InputContract
from fer_edge.errors import BadInputError
from fer_edge.whole_file import whole_file

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})  # of the files in a folder

Image: TypeAlias = npt.NDArray[np.uint8]
Box: TypeAlias = tuple[float, float, float, float]


def decode_image(data: bytes, name: str) -> Image:
    """Decode an encoded picture (PNG, JPEG, ...), EXIF rotation applied, transparency dropped.

    Args:
        data: the encoded bytes.
        name: what to call the picture in an error.

    Returns:
        uint8[H, W, 3], RGB, 0-255. Grey pictures have three equal channels.

    Raises:
        BadInputError: the bytes are no picture that OpenCV can read, or one of more than `MAX_PIXELS`.
    """
    too_large = False
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error as error:
        decoded, too_large = None, "MAX_IMAGE" in str(error)
    if too_large or (decoded is not None and decoded.shape[0] * decoded.shape[1] > MAX_PIXELS):
        raise BadInputError(f"{name} has more than {MAX_PIXELS / 1e6:.0f} million pixels", "Scale it down")
    if decoded is None:
        raise BadInputError(f"{name} is not a readable image", "Remove it, or save it again as PNG or JPEG")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def read_image(path: str | Path) -> Image:
    """Read a picture file; see `decode_image` for the result and the errors."""
    try:
        return decode_image(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise BadInputError(f"cannot read {path}: {error.strerror}", "Check the path") from error


def write_png(path: Path, image: Image) -> None:
    """Write a picture, uint8[H, W, 3], RGB.

    Raises:
        BadInputError: it is larger than a PNG can be.
    """
    encoded, data = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    if not encoded:
        height, width = image.shape[:2]
        raise BadInputError(f"{path}: {width}x{height} px do not fit into a PNG", "Scale the picture down")
    with whole_file(path) as temporary:
        temporary.write_bytes(data.tobytes())


def crop(frame: Image, box: Box, contract: InputContract) -> Image:
    """Cut a face out of a frame, with the contract's margin, without leaving the frame.

    Args:
        frame: uint8[H, W, 3].
        box: left, top, width, height in pixels.
        contract: supplies `crop_margin`.

    Returns:
        uint8[h, w, 3], at least one pixel; a view of `frame`.
    """
    left, top, width, height = box
    margin = contract.crop_margin * max(width, height)
    rows, columns = frame.shape[:2]
    x0, y0 = (int(np.clip(round(v - margin), 0, end - 1)) for v, end in ((left, columns), (top, rows)))
    x1 = int(np.clip(round(left + width + margin), x0 + 1, columns))
    y1 = int(np.clip(round(top + height + margin), y0 + 1, rows))
    return frame[y0:y1, x0:x1]


def preprocess(face: Image, contract: InputContract) -> Image:
    """Bring a face crop to the size that the contract names.

    Args:
        face: uint8[h, w, 3] RGB, or uint8[h, w] grey.
        contract: supplies size and resize rule.

    Returns:
        uint8[contract.height, contract.width, 3], RGB, 0-255.

    Raises:
        BadInputError: the array is not uint8, is empty, or has another shape.
    """
    if face.dtype != np.uint8 or face.ndim not in (2, 3) or (face.ndim == 3 and face.shape[2] != 3) or face.size == 0:
        raise BadInputError(
            "a face must be uint8[height, width, 3] (RGB) or uint8[height, width] (grey), "
            f"not {face.dtype}{list(face.shape)}"
        )
    size = (contract.width, contract.height)
    if face.shape[1::-1] != size:
        shrinks = face.shape[1] >= contract.width and face.shape[0] >= contract.height
        area = contract.resize == "area" and shrinks
        face = np.asarray(cv2.resize(face, size, interpolation=cv2.INTER_AREA if area else cv2.INTER_LINEAR), np.uint8)
    return face if face.ndim == 3 else np.repeat(face[:, :, None], 3, axis=2)
