"""How every command here ends: one message and an exit code, never a traceback for what was to be expected."""

from __future__ import annotations

import errno
from typing import Any

import click

from fer_edge.errors import BadInputError, FerEdgeError, NoSpaceError

# What makes a path that a user gave unusable.
UNUSABLE: tuple[int, ...] = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS)
UNUSABLE += (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)


def run_command(command: click.Command, arguments: list[str], name: str | None = None) -> int:
    """Run `command` on `arguments`; returns the exit code.

    Args:
        command: fer-edge itself, or a tool behind `python -m`.
        arguments: without the program's name.
        name: the program's; None takes it from how Python was started.
    """
    try:
        result: Any = command.main(arguments, prog_name=name, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except FerEdgeError as error:
        return _fail(error)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return 130
    except OSError as error:
        return _fail(_explained(error))


def _explained(error: OSError) -> FerEdgeError:
    """What a user can do about a failed file operation; raises `error` again if that is not known."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpaceError(f"no space left for {error.filename or 'the output'}", "Free space, then run again")
    if error.filename is not None and error.errno in UNUSABLE:
        return BadInputError(f"{error.filename} cannot be used: {error.strerror}", "Give another path")
    raise error


def _fail(error: FerEdgeError) -> int:
    click.echo(f"error: {error.message}", err=True)
    if error.remedy:
        click.echo(f"       {error.remedy}", err=True)
    return error.exit_code
