"""`fer-edge data`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from fer_edge.cli.names import split_names


@click.group("data")
def command() -> None:
    """Look for what is wrong with labelled images, and split them without leaks.

    DATA is a folder or zip with one folder per class, optionally under train/, tuning/ and test/, or a split.json;
    DATA#NAME picks a subset. Images are only read.
    """


@command.command("audit")
@click.option("--data", required=True, help="Folder, zip or split.json; all its subsets, or the one of DATA#NAME.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for report.json, report.md, overview.png."
)
@click.option("--fix", type=click.Path(path_type=Path, dir_okay=False), help="Write the images to keep (a split.json).")
@click.option("--overwrite", is_flag=True, help="Replace what is in --out and --fix.")
@click.option("--json", "as_json", is_flag=True, help="Print report.json on stdout.")
def audit_data(data: str, out: Path | None, fix: Path | None, overwrite: bool, as_json: bool) -> None:
    """Count images, and find those that are unreadable, blank, odd, blurred, twice there, leaked or in two classes.

    --fix leaves out what is unreadable or blank, photos under several labels, and all copies of a photo but one (that
    of the test set, if there is one).
    """
    from fer_edge.data.audit import audit
    from fer_edge.data.audit_report import (
        PRIVATE,
        check_output,
        document,
        left_out_lines,
        print_audit,
        write_audit,
    )
    from fer_edge.data.clean import cleaned
    from fer_edge.data.folder import data_root, open_whole
    from fer_edge.data.split_file import check_new_split, write_split

    images, subsets = open_whole(data)
    if out:
        check_output(out, data, overwrite)
    if fix:
        check_new_split(fix, overwrite)
    with _counting(len(images)) as report:
        found = audit(images, subsets, report)
    print_audit(found)
    left_out = None
    if fix:
        kept = cleaned(found)
        left_out = kept.left_out
        write_split(fix, data_root(data), kept.subsets)
        _say(f"written: {fix}, without")
        for line in left_out_lines(left_out):
            _say(line)
    elif found.unreadable or found.groups or found.flagged["blank"]:
        _say(f"next: fer-edge data audit --data {shlex.quote(data)} --fix clean.json")
    if out:
        _say(f"written: {write_audit(found, left_out, out)}, report.md and overview.png beside it")
        _say(PRIVATE)
    if as_json:
        click.echo(json.dumps(document(found, left_out), indent=1, allow_nan=False))


@command.command("split")
@click.option("--data", required=True, help="Folder, zip or split.json; its subsets are pooled, DATA#NAME takes one.")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The split.json to write.")
@click.option(
    "--test-fraction",
    default=0.2,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Part of each class that becomes the test set.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Settles the choice.")
@click.option("--classes", help="Names to keep, comma-separated.  [default: all but Ahegao]")
@click.option("--rename", multiple=True, metavar="OLD=NEW", help="Give a class folder another label; repeatable.")
@click.option("--overwrite", is_flag=True, help="Replace --out.")
def split_data(
    data: str,
    out: Path,
    test_fraction: float,
    seed: int,
    classes: str | None,
    rename: tuple[str, ...],
    overwrite: bool,
) -> None:
    """Write which images train and which test: the same share of each class, copies of a photo on one side.

    SPLIT.json#train and SPLIT.json#test are data for every command.
    """
    from fer_edge.data.folder import data_root, open_whole
    from fer_edge.data.split import select_classes, split_by_photo
    from fer_edge.data.split_file import check_new_split, write_split

    check_new_split(out, overwrite)
    whole, subsets = open_whole(data)
    if len(set(subsets)) > 1:
        _say(f"pooled: {', '.join(dict.fromkeys(subsets))}")
    images, dropped = select_classes(whole, split_names(classes), dict(_renaming(text) for text in rename))
    for name in dropped:
        _say(f"dropped: {name} (--classes or --rename {name}=NEW keeps it)")
    with _counting(len(images)) as report:
        train, test = split_by_photo(images, test_fraction, seed, report)
    write_split(out, data_root(data), {"train": train, "test": test})
    for name, part in (("train", train), ("test", test)):
        by_label = ", ".join(f"{(part.targets == k).sum()} {label}" for k, label in enumerate(part.labels))
        _say(f"{out}#{name}: {len(part)} images: {by_label}")


def _renaming(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise click.BadParameter(f"{text!r} is not OLD=NEW", param_hint="--rename")
    return old, new


@contextmanager
def _counting(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere; yields what moves it."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading", total=total)
        yield lambda done: progress.update(task, completed=done)


def _say(text: str) -> None:
    click.echo(text, err=True)
