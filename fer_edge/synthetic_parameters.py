"""What a drawn face looks like: its expression, its person and its pose, as numbers drawn from a generator."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

EXPRESSIONS = ("angry", "happy", "neutral", "sad", "surprise")
Colour = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Expression:
    """Positions of the parts that move, in units of half a head's height.

    Attributes:
        brow_lift: brows up.
        brow_slope: inner ends down, outer ends up (anger); negative: inner ends up (sadness).
        brow_knit: inner ends towards each other.
        eye_open: gap between the lids.
        lower_lid: lower lids up.
        mouth_width: half the distance of the corners.
        mouth_curve: corners up.
        mouth_open: gap between the lips.
        lips: thickness of each lip.
        folds: depth of the lines from nose to mouth, 0-1.
    """

    brow_lift: float
    brow_slope: float
    brow_knit: float
    eye_open: float
    lower_lid: float
    mouth_width: float
    mouth_curve: float
    mouth_open: float
    lips: float
    folds: float


_REST = Expression(0.0, 0.0, 0.0, 0.17, 0.0, 0.34, 0.0, 0.005, 0.07, 0.1)
# How far people's resting faces lie apart; it makes neighbouring expressions overlap.
_SPREAD = Expression(0.022, 0.022, 0.02, 0.018, 0.01, 0.022, 0.02, 0.008, 0.012, 0.12)
_LEAST = {"eye_open": 0.02, "mouth_width": 0.14, "mouth_open": 0.0, "lips": 0.022, "folds": 0.0}
# Each expression at full strength, as a change of the resting face; several ways of showing it.
_CHANGES = {
    "neutral": (Expression(0, 0, 0, 0, 0, 0, 0, 0, 0, 0),),
    "happy": (
        Expression(0.01, 0, 0, -0.06, 0.04, 0.14, 0.2, 0.0, -0.01, 0.8),
        Expression(0.02, 0, 0, -0.05, 0.04, 0.15, 0.2, 0.2, -0.01, 0.9),
    ),
    "sad": (
        Expression(0.03, -0.15, 0.05, -0.07, 0.0, -0.03, -0.18, 0.0, 0.01, 0.2),
        Expression(0.02, -0.14, 0.04, -0.09, 0.01, 0.02, -0.18, 0.05, 0.0, 0.4),
    ),
    "angry": (
        Expression(-0.07, 0.17, 0.09, -0.03, 0.02, -0.04, -0.08, 0.0, -0.035, 0.4),
        Expression(-0.06, 0.17, 0.08, 0.0, 0.03, 0.04, -0.1, 0.18, -0.01, 0.7),
    ),
    "surprise": (
        Expression(0.16, -0.02, 0, 0.12, 0.0, -0.13, -0.02, 0.42, 0.0, 0.0),
        Expression(0.14, 0.0, 0, 0.13, 0.0, -0.1, 0.0, 0.28, 0.0, 0.0),
    ),
}


def expression(label: str, rng: np.random.Generator) -> Expression:
    """Draw one way of showing `label`, from a hint to full strength."""
    names = [f.name for f in fields(Expression)]
    variants = _CHANGES[label]
    change = variants[rng.integers(len(variants))]
    strength = 0.4 + 0.8 * rng.beta(2.0, 1.2)
    parts = strength * rng.uniform(0.6, 1.15, len(names))
    noise = rng.normal(0, 1, len(names))
    values = [
        getattr(_REST, n) + getattr(change, n) * float(p) + getattr(_SPREAD, n) * float(e)
        for n, p, e in zip(names, parts, noise, strict=True)
    ]
    drawn = dict(zip(names, values, strict=True))
    for name, least in _LEAST.items():
        drawn[name] = max(drawn[name], least)
    return Expression(**drawn)


@dataclass(frozen=True)
class Person:
    """What stays the same in somebody's face; lengths in units of half a head's height, colours 0-255 RGB."""

    skin: Colour
    hair: Colour
    iris: Colour
    lips: Colour
    width: float
    jaw: float
    hairline: float
    hair_volume: float
    hair_length: float
    parting: float
    eye_distance: float
    eye_width: float
    eye_height: float
    eye_tilt: float
    brow_height: float
    brow_thickness: float
    brow_arch: float
    nose_length: float
    nose_width: float
    mouth_height: float
    beard: float
    moustache: bool
    glasses: float


_SKINS = np.array(
    [[255, 224, 200], [241, 194, 160], [224, 172, 125], [198, 134, 88], [141, 85, 52], [85, 52, 36]], np.float64
)
_HAIRS = np.array(
    [[28, 22, 20], [62, 40, 26], [110, 72, 40], [176, 132, 74], [220, 190, 130], [150, 148, 146], [140, 60, 30]],
    np.float64,
)
_IRISES = np.array([[70, 42, 22], [110, 76, 40], [80, 110, 60], [70, 110, 150], [110, 120, 130]], np.float64)


def person(rng: np.random.Generator) -> Person:
    """Draw somebody."""
    place = rng.uniform(0, len(_SKINS) - 1.001)
    first = int(place)
    skin = _SKINS[first] + (place - first) * (_SKINS[first + 1] - _SKINS[first]) + rng.normal(0, 4, 3)
    dark = rng.random() < (0.25 + 0.12 * place)
    hair = _HAIRS[rng.integers(2 if dark else len(_HAIRS))] * rng.uniform(0.8, 1.15)
    lips = 0.72 * skin + 0.28 * np.array([170.0, 40, 60]) * rng.uniform(0.5, 1.2)
    bearded = rng.random() < 0.18
    return Person(
        skin=skin,
        hair=hair,
        iris=_IRISES[rng.integers(2 if dark else len(_IRISES))],
        lips=lips,
        width=rng.uniform(0.68, 0.82),
        jaw=rng.uniform(0.02, 0.3),
        hairline=rng.uniform(0.5, 0.72),
        hair_volume=rng.uniform(0.02, 0.16),
        hair_length=rng.choice([-0.5, 0.0, 0.9]) + rng.uniform(-0.2, 0.3),
        parting=rng.uniform(-0.5, 0.5),
        eye_distance=rng.uniform(0.31, 0.38),
        eye_width=rng.uniform(0.16, 0.2),
        eye_height=rng.uniform(-0.16, -0.08),
        eye_tilt=rng.normal(0, 0.012),
        brow_height=rng.uniform(0.19, 0.25),
        brow_thickness=rng.uniform(0.045, 0.09),
        brow_arch=rng.uniform(0.0, 0.05),
        nose_length=rng.uniform(0.3, 0.4),
        nose_width=rng.uniform(0.08, 0.14),
        mouth_height=rng.uniform(0.5, 0.56),
        beard=rng.uniform(0.3, 0.8) if bearded else 0.0,
        moustache=bool(bearded and rng.random() < 0.7),
        glasses=rng.uniform(0.17, 0.23) if rng.random() < 0.18 else 0.0,
    )


@dataclass(frozen=True)
class Pose:
    """Where the head is and how it is turned.

    Attributes:
        yaw: to the side, radians.
        pitch: up or down, radians.
        roll: towards a shoulder, radians.
        scale: half the head's height, fraction of the picture's side.
        centre: of the head, fractions of the picture's side.
        gaze: offset of the irises, fractions of the eye's half width.
    """

    yaw: float
    pitch: float
    roll: float
    scale: float
    centre: tuple[float, float]
    gaze: tuple[float, float]


def pose(rng: np.random.Generator) -> Pose:
    """Draw how somebody looks into the camera, roughly towards it."""
    yaw, pitch, roll = np.radians(rng.normal(0, (10, 6, 5))).clip(-0.45, 0.45)
    x, y = rng.normal(0, 0.02, 2)
    across, down = rng.normal(0, (0.15, 0.08))
    return Pose(yaw, pitch, roll, rng.uniform(0.5, 0.57), (0.5 + x, 0.47 + y), (across, down))
