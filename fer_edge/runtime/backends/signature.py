"""Checks and defaults that the runtimes share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fer_edge.contract import InputContract
from fer_edge.errors import ArtifactError, UsageError
from fer_edge.system_info import system_info

AGAIN = "Make the file again with fer-edge convert"


def check_signature(path: Path, contract: InputContract, inputs: Sequence[object], outputs: Sequence[object]) -> None:
    """Check that a model takes one face of the contract's size, NHWC, and gives one probability per label.

    Args:
        path: for the message.
        contract: what is expected.
        inputs: shape of the model's input.
        outputs: shape of its output.

    Raises:
        ArtifactError: it does not.
    """
    wanted = [1, contract.height, contract.width, 3]
    if list(inputs) != wanted or list(outputs) != [1, len(contract.labels)]:
        expected = f"its contract says {wanted} to [1, {len(contract.labels)}]"
        raise ArtifactError(f"{path} maps {list(inputs)} to {list(outputs)}, but {expected}", AGAIN)


def thread_count(threads: int | None) -> int:
    """`threads`, or all cores that this process may use.

    Raises:
        UsageError: less than one.
    """
    if threads is not None and threads < 1:
        raise UsageError(f"{threads} threads cannot run anything", "Use --threads 1 or more")
    return threads or system_info().cores


def first_line(error: BaseException) -> str:
    """The first line of a runtime's message, for ours."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
