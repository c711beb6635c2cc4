"""Settings read from TOML files into checked types."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from fer_edge.errors import BadInputError, problems

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_BYTES = 2**20
ModelT = TypeVar("ModelT", bound=BaseModel)


def read_toml(path: Path, model: type[ModelT], what: str, advice: str, **defaults: object) -> ModelT:
    """Read a TOML file into a pydantic model.

    Args:
        path: the file, UTF-8.
        model: type of the result.
        what: what the file should be, for the message, such as "training recipe".
        advice: what mends a wrong file.
        defaults: fields that the file may leave out.

    Raises:
        BadInputError: missing, too large, not TOML, or not what `model` asks for.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)  # a size that is looked up first says nothing about a pipe or a device
        if len(content) > MAX_BYTES:
            raise BadInputError(f"the {what} {path} is larger than {MAX_BYTES >> 20} MB", advice)
        return model.model_validate({**defaults, **tomllib.loads(content.decode())})
    except OSError as error:
        raise BadInputError(f"cannot read the {what} {path}: {error.strerror}", "Check the path") from error
    except ValidationError as error:
        raise BadInputError(f"{path} is not a valid {what}: {problems(error, model)}", advice) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInputError(f"{path} is not a valid {what}: {error}", advice) from error
