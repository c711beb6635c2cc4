"""What a user may name as a model."""

from __future__ import annotations

from pathlib import Path

from fer_edge.errors import CheckpointError
from fer_edge.whole_file import finished_files

ZOO = Path(__file__).parent / "zoo"
PREFIX = "zoo:"
CARD = "README.md"
DEFAULT_MODEL = "zoo:densenet121-int8"


def present_models() -> dict[str, Path]:
    """The classifiers that this installation has: checkpoints and converted models, by the names of their files."""
    return {path.stem: path for path in finished_files(ZOO, "*/*") if path.suffix in (".keras", ".tflite")}


def absent_checkpoints() -> list[str]:
    """Names of the reference models of which only the card is here: the wheel carries no checkpoints."""
    return sorted({card.parent.name for card in ZOO.glob(f"*/{CARD}")} - set(present_models()))


def model_name(path: Path) -> str:
    """What a user calls a model: "zoo:NAME" for one that `resolve_model` finds under that name, else its path."""
    return next((PREFIX + name for name, known in present_models().items() if known == path), str(path))


def resolve_model(name: str) -> Path:
    """The file of a model: "zoo:NAME" is one that comes with fer-edge, everything else is a path.

    Raises:
        CheckpointError: the zoo has no such model, or its checkpoint is not in this installation.
    """
    if not name.startswith(PREFIX):
        return Path(name)
    present, wanted = present_models(), name.removeprefix(PREFIX)
    if wanted in present:
        return present[wanted]
    listed = ", ".join(PREFIX + known for known in present) or "none"
    if wanted in absent_checkpoints():
        raise CheckpointError(
            f"the checkpoint {name!r} is not in this installation, which has: {listed}",
            f"Take one of those, or the file fer_edge/zoo/{wanted}/{wanted}.keras of fer-edge's source repository",
        )
    raise CheckpointError(
        f"there is no model {name!r}; this installation has: {listed}",
        "Make one (fer-edge train, then fer-edge convert) and give its path",
    )
