"""An audit for machines and for people: one JSON document, the screen, and the files of `--out`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fer_edge.data.audit import COPIES, FLAGS, OUTLIER, Audit
from fer_edge.data.clean import LEFT_OUT
from fer_edge.data.fingerprint import SAME_PHOTO_BITS
from fer_edge.data.folder import data_root
from fer_edge.data.overview import overview
from fer_edge.errors import BadInputError
from fer_edge.whole_file import whole_file

REPORT = "report.json"
PRIVATE = "overview.png shows people's faces: it is for your eyes; do not publish it or commit it."
SHOWN = 3  # names of each finding on the screen
SIZES_SHOWN = 5
PLAIN_WIDTH = 200  # where there is no terminal, do not fold at its usual 80 columns


def document(audit: Audit, left_out: dict[str, int] | None = None) -> dict[str, Any]:
    """Everything that was found, for `--json` and report.json; `left_out` is what `--fix` left out."""

    def item(index: int) -> dict[str, str]:
        return {"file": audit.images.names[index], "subset": audit.subsets[index], "label": audit.label(index)}

    groups = [
        {
            "exact": audit.is_exact(group),
            "leak": audit.leaks(group),
            "conflict": audit.conflicts(group),
            "images": [item(i) for i in group],
        }
        for group in audit.groups
    ]
    found: dict[str, Any] = {
        "schema_version": 1,
        "data": audit.images.source,
        "images": len(audit.images),
        "subsets": counts(audit),
        "sizes": [{"width": w, "height": h, "images": n} for (w, h), n in audit.sizes.items()],
        "colours": _colours(audit),
        "unreadable": [{**item(i), "reason": reason} for i, reason in audit.unreadable.items()],
        "flagged": {flag: [item(i) for i in indices] for flag, indices in audit.flagged.items()},
        "same_photo": groups,
        "limits": {"same_photo_bits": SAME_PHOTO_BITS, "outlier_z": OUTLIER, **audit.limits},
    }
    return found if left_out is None else {**found, "left_out": left_out}


def counts(audit: Audit) -> dict[str, dict[str, int]]:
    """Images of each subset and label, unreadable ones too."""
    found = Counter((subset, audit.label(i)) for i, subset in enumerate(audit.subsets))
    return {s: {label: found[s, label] for label in audit.images.labels} for s in dict.fromkeys(audit.subsets)}


def findings(audit: Audit) -> Iterator[tuple[str, int, list[str]]]:
    """What was found, how often, and lines that name each."""
    yield "unreadable", len(audit.unreadable), [_safe(reason) for reason in audit.unreadable.values()]
    for kind, groups in audit.copies().items():
        yield f"{kind} ({COPIES[kind]})", len(groups), [_group(audit, group) for group in groups]
    for flag, meaning in FLAGS.items():
        names = [_safe(audit.images.names[i]) for i in audit.flagged[flag]]
        yield f"{flag.replace('_', ' ')} ({meaning})", len(names), names


def facts(audit: Audit) -> list[str]:
    """Sizes, colours and balance, one sentence each."""
    sizes = [f"{w}x{h} ({n})" for (w, h), n in list(audit.sizes.items())[:SIZES_SHOWN]]
    more = f" and {len(audit.sizes) - SIZES_SHOWN} others" if len(audit.sizes) > SIZES_SHOWN else ""
    lines = [
        f"sizes: {', '.join(sizes)}{more}",
        f"colours: {', '.join(f'{n} {c}' for c, n in _colours(audit).items())}",
    ]
    for subset, by_label in counts(audit).items():
        (most, largest), (least, smallest) = (f(by_label.items(), key=lambda kv: kv[1]) for f in (max, min))
        ratio = f"{largest / smallest:.1f} times as many as" if smallest else "and none of"
        text = f"{largest} {_safe(most)}, {ratio} {_safe(least)}" if largest > smallest else f"{largest} of each class"
        lines.append(f"balance of {_safe(subset)}: {text}")
    return lines


def print_audit(audit: Audit) -> None:
    """Print counts and findings on stderr, a few names of each."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, PLAIN_WIDTH)
    table = Table(title=Text(_safe(audit.images.source)), title_justify="left")
    for number, cell in enumerate(_rows(audit)[0]):
        table.add_column(Text(cell), justify="right" if number else "left", overflow="fold")
    for row in _rows(audit)[1:]:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
    for line in facts(audit):
        console.print(line, markup=False, soft_wrap=True)
    for title, number, names in findings(audit):
        console.print(f"{number:6} {title}", markup=False, soft_wrap=True, style="bold" if number else "dim")
        for name in names[:SHOWN]:
            console.print(f"       {name}", markup=False, soft_wrap=True)
        if number > SHOWN:
            console.print(f"       and {number - SHOWN} more", style="dim")


def markdown(audit: Audit) -> str:
    """The report as Markdown, with every name."""
    head, *rows = ([cell.replace("|", "\\|") for cell in row] for row in _rows(audit))
    lines = [
        f"# Audit of {_code(audit.images.source)}",
        "",
        f"| {' | '.join(head)} |",
        f"|---|{'---:|' * (len(head) - 1)}",
    ]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    lines += ["", *(f"- {line}" for line in facts(audit)), "", f"![overview](overview.png)\n\n{PRIVATE}"]
    for title, number, names in findings(audit):
        lines += ["", f"## {title}: {number}", *([""] if names else []), *(f"- {_code(name)}" for name in names)]
    return "\n".join(lines) + "\n"


def left_out_lines(left_out: dict[str, int]) -> list[str]:
    """What `--fix` left out, one line for each reason."""
    return [f"{number:6} {reason} ({LEFT_OUT[reason]})" for reason, number in left_out.items()]


def check_output(folder: Path, data: str, overwrite: bool) -> None:
    """Refuse, before any work, a folder whose report would be lost, or that is part of the data.

    Raises:
        BadInputError: it holds a report, or lies in the data, whose images its overview would join.
    """
    if (folder / REPORT).exists() and not overwrite:
        raise BadInputError(f"{folder} holds the report of another audit", "Give another --out, or --overwrite")
    if data_root(data) in (folder.resolve(), *folder.resolve().parents):
        raise BadInputError(
            f"{folder} lies in the data, of which the overview would become a part", "Give another --out"
        )
    folder.mkdir(parents=True, exist_ok=True)


def write_audit(audit: Audit, left_out: dict[str, int] | None, folder: Path) -> Path:
    """Write overview.png, report.md and report.json, in this order, each complete or not at all; returns the last."""
    contents = {
        "overview.png": overview(audit),
        "report.md": markdown(audit).encode(),
        REPORT: (json.dumps(document(audit, left_out), indent=1, allow_nan=False) + "\n").encode(),
    }
    for name, content in contents.items():
        with whole_file(folder / name) as temporary:
            temporary.write_bytes(content)
    return folder / REPORT


def _rows(audit: Audit) -> list[list[str]]:
    """Head, and a row for each subset: images of each class and their share."""
    rows = [["subset", *(_safe(label) for label in audit.images.labels), "all"]]
    for subset, by_label in counts(audit).items():
        total = sum(by_label.values())
        rows.append([_safe(subset), *(f"{n} ({n / total:.1%})" for n in by_label.values()), str(total)])
    return rows


def _colours(audit: Audit) -> dict[str, int]:
    readable = len(audit.images) - len(audit.unreadable)
    return {"grey": readable - audit.coloured, "rgb": audit.coloured}


def _group(audit: Audit, group: tuple[int, ...]) -> str:
    names = " = ".join(_safe(audit.images.names[i]) for i in group)
    return f"{names} ({'the same pixels' if audit.is_exact(group) else 'nearly'})"


def _safe(text: str) -> str:
    """Text of others without control characters and lone surrogates, which a terminal or file would not take."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _code(text: str) -> str:
    return f"`{_safe(text).replace('`', chr(39))}`"
