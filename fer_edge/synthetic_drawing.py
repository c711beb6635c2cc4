"""Draw the parts of a face as filled polygons on a turned head."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from fer_edge.synthetic_parameters import Colour, Expression, Person, Pose

Points = npt.NDArray[np.float64]
_SUBPIXEL_BITS = 4
_DEPTH = 0.5  # how far the face's middle lies in front of its outline


class Canvas:
    """A square picture on which points of the head are drawn where its pose puts them.

    Points are float64[N, 2]: x to the right, y down, from the middle of the head, in units of half its height.
    """

    def __init__(self, picture: npt.NDArray[np.uint8], pose: Pose) -> None:
        """Draw on `picture`, uint8[S, S, 3] RGB, in place."""
        self.picture = picture
        self._unit = pose.scale * len(picture)
        self._centre = np.array(pose.centre) * len(picture)
        self._turn = _rotation(pose)

    def project(self, points: Points, relief: float = 1.0) -> Points:
        """Pixels of points on the head's rounded front; `relief` 0 puts them in the plane of the outline."""
        height = 1 - (points * points) @ (1 / 0.85**2, 1 / 1.15**2)
        z = relief * _DEPTH * np.sqrt(np.maximum(height, 0))
        turned = points @ self._turn[:2] + z[:, None] * self._turn[2]
        pixels: Points = turned[:, :2] * (self._unit / (1 - 0.15 * turned[:, 2:])) + self._centre
        return pixels

    def fill(self, points: Points, colour: Colour, relief: float = 1.0) -> None:
        """Fill a polygon."""
        cv2.fillPoly(self.picture, [self._fixed(points, relief)], _rgb(colour), cv2.LINE_AA, _SUBPIXEL_BITS)

    def line(self, points: Points, colour: Colour, width: float, relief: float = 1.0, closed: bool = False) -> None:
        """Draw a line `width` units thick."""
        thick = max(1, round(width * self._unit))
        fixed = self._fixed(points, relief)
        cv2.polylines(self.picture, [fixed], closed, _rgb(colour), thick, cv2.LINE_AA, _SUBPIXEL_BITS)

    def soften(self, width: float) -> None:
        """Blur what has been drawn so far."""
        side = max(1, round(width * self._unit)) | 1
        cv2.blur(self.picture, (side, side), dst=self.picture)

    def _fixed(self, points: Points, relief: float) -> npt.NDArray[np.int32]:
        fixed: npt.NDArray[np.int32] = np.rint(self.project(points, relief) * 2**_SUBPIXEL_BITS).astype(np.int32)
        return fixed


def _rotation(pose: Pose) -> npt.NDArray[np.float64]:
    """float64[3, 3] that turns row vectors (x, y, z towards the viewer): yaw, then pitch, then roll."""
    (cy, cp, cr), (sy, sp, sr) = np.cos((pose.yaw, pose.pitch, pose.roll)), np.sin((pose.yaw, pose.pitch, pose.roll))
    yaw = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    roll = np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])
    return np.asarray(yaw @ pitch @ roll)


def _rgb(colour: Colour) -> list[float]:
    return [min(max(channel, 0.0), 255.0) for channel in colour.tolist()]


_TURN = np.linspace(0, 2 * np.pi, 40, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], 1)
_ACROSS = np.linspace(-1, 1, 17)


def _ellipse(x: float, y: float, width: float, height: float) -> Points:
    return _CIRCLE * (width, height) + (x, y)


def _between(upper: Points, lower: Points) -> Points:
    """The polygon between two lines that run the same way."""
    return np.concatenate([upper, lower[::-1]])


def _outline(who: Person, grow: float = 0.0) -> Points:
    """Skull above, narrower jaw below."""
    x, y = _CIRCLE.T
    jaw = 1 - who.jaw * np.clip(y, 0, 1) ** 2
    squareness = 1 + 0.12 * np.clip(y, 0, 1) * np.abs(x)
    return np.stack([x * jaw * squareness * (who.width + grow), y * (1 + grow)], 1)


def draw_head(canvas: Canvas, who: Person, clothes: Colour) -> None:
    """Hair behind, neck, clothes, ears and the head itself."""
    if who.hair_length > -0.3:
        behind = _outline(who, 0.08 + who.hair_volume)
        behind[:, 1] = np.where(behind[:, 1] > 0, behind[:, 1] * max(who.hair_length, 0.1) * 1.3, behind[:, 1])
        canvas.fill(behind, who.hair * 0.8, 0)
    neck = 0.45 * who.width / 0.75
    canvas.fill(np.array([[-1.3, 2], [-1.2, 1.3], [-neck, 1.08], [neck, 1.08], [1.2, 1.3], [1.3, 2.0]]), clothes, 0)
    canvas.fill(np.array([[-neck, 0.6], [neck, 0.6], [neck, 1.15], [0, 1.4], [-neck, 1.15]]), who.skin * 0.72, 0)
    for side in (-1, 1):
        canvas.fill(_ellipse(side * (who.width + 0.02), 0.02, 0.09, 0.19), who.skin * 0.85, 0)
        canvas.fill(_ellipse(side * (who.width + 0.03), 0.02, 0.045, 0.12), who.skin * 0.68, 0)
    head = _outline(who)
    for shrink, shade in ((1.0, 0.84), (0.92, 0.93), (0.8, 1.0)):
        canvas.fill(head * shrink, who.skin * shade, 0 if shrink == 1 else 0.3)
    canvas.soften(0.09)


def draw_hair(canvas: Canvas, who: Person) -> None:
    """The hair that lies on the forehead, and a beard."""
    if who.beard:
        beard = who.skin * (1 - who.beard) + who.hair * who.beard
        jaw = _outline(who, 0.01)
        lower = jaw[jaw[:, 1] > 0.12]
        lower = lower[np.argsort(lower[:, 0])]
        upper = np.stack([lower[:, 0] * 0.82, 0.78 - 0.55 * (lower[:, 0] / who.width) ** 2], 1)
        canvas.fill(_between(upper, lower), beard, 0.3)
        if who.moustache:
            arc = np.stack([_ACROSS * 0.3, who.mouth_height - 0.16 + 0.1 * _ACROSS**2], 1)
            canvas.line(arc, beard, 0.1)
    skull = _outline(who, who.hair_volume)
    top = skull[skull[:, 1] < -0.12]
    top = top[np.argsort(top[:, 0])]
    across = np.linspace(-1, 1, len(top))
    line = -who.hairline + (who.hairline - 0.2) * np.abs(across) ** 3 + 0.12 * np.abs(across - who.parting) - 0.06
    front = np.stack([across * who.width * 0.97, line], 1)
    canvas.fill(_between(top, front), who.hair, 0.15)
    strand = np.stack([front[:, 0] * 0.9, 0.5 * (front[:, 1] + top[:, 1])], 1)
    canvas.line(strand, who.hair * 1.12 + 4, 0.05, 0.15)


def draw_eyes(canvas: Canvas, who: Person, shown: Expression, pose: Pose) -> None:
    """Eyeballs between their lids, and the brows."""
    for side in (-1, 1):
        x = who.eye_distance * side
        arch = 1 - _ACROSS**2
        tilt = -who.eye_tilt * side * _ACROSS
        across = x + who.eye_width * _ACROSS
        upper = who.eye_height + tilt - 0.62 * shown.eye_open * arch
        lower = who.eye_height + tilt + (0.38 * shown.eye_open - shown.lower_lid) * arch
        lower = np.maximum(lower, upper + 0.012 * arch)
        canvas.fill(_ellipse(x, who.eye_height - 0.03, who.eye_width * 1.25, 0.13), who.skin * 0.9)
        canvas.fill(_between(np.stack([across, upper], 1), np.stack([across, lower], 1)), np.array([238.0, 236, 232]))
        gaze = (x + pose.gaze[0] * who.eye_width, who.eye_height + pose.gaze[1] * who.eye_width)
        for radius, colour in ((0.085, who.iris), (0.042, np.full(3, 12.0))):
            disc = _ellipse(*gaze, radius, radius)
            low, high = (np.interp(disc[:, 0], across, lid) for lid in (upper, lower))
            canvas.fill(np.stack([disc[:, 0], np.clip(disc[:, 1], low, high)], 1), colour)
        canvas.line(np.stack([across, upper], 1), who.skin * 0.28, 0.028)
        canvas.line(np.stack([across, lower], 1), who.skin * 0.62, 0.012)
        if shown.lower_lid > 0.015:
            bag = np.stack([across, lower + 0.05 * arch + 0.01], 1)
            canvas.line(bag, who.skin * 0.78, 0.014)
        _draw_brow(canvas, who, shown, side)


def _draw_brow(canvas: Canvas, who: Person, shown: Expression, side: int) -> None:
    outward = np.linspace(-1, 1, 9)  # from the nose to the temple
    x = who.eye_distance + 0.22 * outward - shown.brow_knit * (1 - outward) / 2
    y = who.eye_height - who.brow_height - shown.brow_lift - who.brow_arch * (1 - (outward - 0.3) ** 2)
    y = y - shown.brow_slope * outward * np.where(outward < 0, 1.0, 0.55)
    thick = who.brow_thickness * (0.65 - 0.4 * outward.clip(0)) * np.where(outward < -0.9, 0.8, 1)
    upper, lower = np.stack([side * x, y - thick], 1), np.stack([side * x, y + thick], 1)
    canvas.fill(_between(upper, lower), who.hair * 0.75)


def draw_wrinkles(canvas: Canvas, who: Person, shown: Expression) -> None:
    """Lines that an expression leaves: beside the mouth, between the brows, on the forehead."""
    for side in (-1, 1):
        t = np.linspace(0, 1, 7)
        x = side * (0.15 + t * (0.9 * shown.mouth_width - 0.08) + 0.05 * np.sin(np.pi * t))
        y = who.eye_height + who.nose_length + 0.02 + t * (who.mouth_height - who.eye_height - who.nose_length)
        canvas.line(np.stack([x, y], 1), who.skin * (1 - 0.28 * min(shown.folds, 1)), 0.02)
        if shown.brow_knit > 0.03:
            furrow = np.array([[0.035, -0.2], [0.045, -0.06]]) * (side, 1) + (0, who.eye_height)
            canvas.line(furrow, who.skin * max(0.6, 1 - 5 * shown.brow_knit), 0.02)
    for row in range(2) if shown.brow_lift > 0.05 else ():
        y = -who.brow_height - shown.brow_lift - 0.17 - 0.1 * row + 0.03 * _ACROSS**2 + who.eye_height
        canvas.line(np.stack([0.4 * _ACROSS, y], 1), who.skin * max(0.7, 1 - 1.8 * shown.brow_lift), 0.015)


def draw_nose(canvas: Canvas, who: Person) -> None:
    """A ridge, wings and nostrils."""
    tip = who.eye_height + who.nose_length
    ridge = np.array([[-0.05, who.eye_height - 0.05], [-0.035, tip - 0.12], [-who.nose_width, tip]])
    canvas.line(ridge, who.skin * 0.82, 0.02)
    canvas.fill(_ellipse(0, tip - 0.03, who.nose_width * 0.7, 0.065), who.skin * 1.06)
    for side in (-1, 1):
        canvas.fill(_ellipse(side * who.nose_width * 0.55, tip + 0.03, 0.03, 0.018), who.skin * 0.45)


def draw_mouth(canvas: Canvas, who: Person, shown: Expression) -> None:
    """Two lips; between them darkness, teeth and tongue when they part."""
    arch = 1 - _ACROSS**2
    x = shown.mouth_width * _ACROSS
    middle = who.mouth_height - shown.mouth_curve * (_ACROSS**2 - 0.45)
    gap_up, gap_down = 0.35 * shown.mouth_open, 0.75 * shown.mouth_open
    full = np.sqrt(arch)
    inner_up, inner_down = middle - gap_up * full, middle + gap_down * full
    cupid = 1 - 0.25 * np.exp(-((_ACROSS / 0.18) ** 2))
    outer_up = inner_up - shown.lips * 0.9 * arch * cupid
    outer_down = inner_down + shown.lips * 1.2 * arch**0.8
    lines = [np.stack([x, y], 1) for y in (outer_up, inner_up, inner_down, outer_down)]
    canvas.fill(_between(lines[0], lines[3]), who.lips)
    if shown.mouth_open > 0.025:
        canvas.fill(_between(lines[1], lines[2]), np.array([52.0, 18, 20]))
        teeth = np.minimum(inner_up + min(0.09, 0.55 * shown.mouth_open) * full, inner_down)
        canvas.fill(_between(lines[1], np.stack([x, teeth], 1)), np.array([236.0, 232, 222]))
        if shown.mouth_open > 0.14:
            tongue = np.maximum(inner_down - 0.08 * arch, teeth)
            canvas.fill(_between(np.stack([x, tongue], 1)[3:-3], lines[2][3:-3]), np.array([176.0, 72, 78]))
    else:
        canvas.line(lines[1], who.lips * 0.45, 0.02)
    shadow = np.stack([0.5 * x, outer_down + 0.04], 1)
    canvas.line(shadow, who.skin * 0.84, 0.025)


def draw_glasses(canvas: Canvas, who: Person, colour: Colour) -> None:
    """Round frames, a bridge and temples."""
    for side in (-1, 1):
        x, y = side * who.eye_distance, who.eye_height + 0.03
        canvas.line(_ellipse(x, y, who.glasses * 1.1, who.glasses * 0.9), colour, 0.028, closed=True)
        temple = np.array([[side * (who.eye_distance + who.glasses * 1.1), y], [side * who.width, y - 0.04]])
        canvas.line(temple, colour, 0.025)
    inner = who.eye_distance - who.glasses * 1.1
    bridge = np.array([[-inner, who.eye_height], [0, who.eye_height - 0.03], [inner, who.eye_height]])
    canvas.line(bridge, colour, 0.025)
