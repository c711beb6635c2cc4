"""The error tree of fer-edge: every expected failure carries its exit code and the command that mends it.

FerEdgeError                    1   internal
├── UsageError                  2   the request can yield nothing
├── EnvironmentFailure          4   something that the machine must provide is missing
│   ├── MissingDependencyError  4   a Python package is not installed
│   └── DownloadError           4   a file cannot be had from the network
├── BadInputError               8   a file or folder that the user named is wrong
│   ├── DataError               8   labelled images
│   ├── CheckpointError         8   a Keras model
│   └── ArtifactError           8   a converted model
└── NoSpaceError                9   the disk is full
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError


class FerEdgeError(Exception):
    """A failure that fer-edge expects and explains.

    Attributes:
        message: what was wrong, with the offending value.
        remedy: the command or change that mends it; may be empty.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}" if self.remedy else self.message


def problems(error: ValidationError, model: type[BaseModel]) -> str:
    """What pydantic found wrong, one clause for each field, without its own vocabulary."""
    clauses = []
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        name = ".".join(str(part) for part in found["loc"])
        message = found["msg"].removeprefix("Value error, ")
        if found["type"] == "extra_forbidden":
            message = _unknown(model, found["loc"])
        clauses.append(f"{name}: {message}" if name else message)
    return "; ".join(clauses)


def _unknown(model: type[BaseModel], path: tuple[int | str, ...]) -> str:
    """Says of the key at `path` that it is not known, with those that are where they can be told."""
    here: object = model
    for name in path[:-1]:
        field = getattr(here, "model_fields", {}).get(name)
        here = field and field.annotation
    known = getattr(here, "model_fields", ())
    return f"is not known; known are {', '.join(known)}" if known else "is not known"


class UsageError(FerEdgeError):
    """The request is well formed but can yield nothing."""

    exit_code = 2


class EnvironmentFailure(FerEdgeError):
    """The machine lacks something: a runtime, a provider, a device."""

    exit_code = 4


class MissingDependencyError(EnvironmentFailure):
    """A Python package that this command needs is not installed."""


class DownloadError(EnvironmentFailure):
    """A file that this command needs cannot be had from the network."""


class BadInputError(FerEdgeError):
    """A file or folder that the user named is missing, damaged, hostile or of the wrong kind."""

    exit_code = 8


class DataError(BadInputError):
    """Labelled images are missing, unreadable, overlapping or of the wrong classes."""


class CheckpointError(BadInputError):
    """A Keras model file is missing, damaged, unsafe or lacks its input contract."""


class ArtifactError(BadInputError):
    """A converted model is missing, damaged, altered or not made by fer-edge."""


class NoSpaceError(FerEdgeError):
    """The disk that holds the output is full."""

    exit_code = 9
