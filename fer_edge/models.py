"""What a user may name as a model."""

from __future__ import annotations

from pathlib import Path

from fer_edge.errors import CheckpointError

ZOO = Path(__file__).parent / "zoo"
PREFIX, SUFFIX = "zoo:", "-int8.tflite"
DEFAULT_MODEL = "zoo:densenet121"


def present_models() -> dict[str, Path]:
    """The classifiers that this installation has, by name."""
    return {path.name.removesuffix(SUFFIX): path for path in sorted(ZOO.glob(f"*{SUFFIX}"))}


def resolve_model(name: str) -> Path:
    """The file of a model: "zoo:NAME" is one that comes with fer-edge, everything else is a path.

    Raises:
        CheckpointError: the zoo has no such model.
    """
    if not name.startswith(PREFIX):
        return Path(name)
    present = present_models()
    if name.removeprefix(PREFIX) not in present:
        listed = ", ".join(PREFIX + known for known in present) or "none"
        raise CheckpointError(
            f"this installation has no model {name!r}; those it has: {listed}",
            "Make one (fer-edge train, then fer-edge convert) and give its path",
        )
    return present[name.removeprefix(PREFIX)]
