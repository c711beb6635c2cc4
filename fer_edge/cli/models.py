"""`fer-edge models`."""

from __future__ import annotations

import click


@click.group("models", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """List the models that come along, and fetch the face detector."""
    if context.invoked_subcommand is None:
        context.invoke(list_models)


@command.command("list")
def list_models() -> None:
    """List the reference models that come with fer-edge and the files that `fetch` keeps."""
    from fer_edge.model_files import MODEL_FILES, cache_folder, cached
    from fer_edge.models import CARD, DEFAULT_MODEL, PREFIX, absent_checkpoints, present_models

    for name, path in present_models().items():
        kind = "checkpoint" if path.suffix == ".keras" else f"{path.suffix[1:]} classifier"
        default = ", the default of run and predict" if PREFIX + name == DEFAULT_MODEL else ""
        card = f", card: {path.with_name(CARD)}" if path.with_name(CARD).exists() else ""
        click.echo(f"{PREFIX}{name}: {kind}, {path.stat().st_size / 1e6:.1f} MB{default}{card}")
    for name in absent_checkpoints():
        click.echo(f"{PREFIX}{name}: checkpoint, in fer-edge's source repository only")
    for name, file in MODEL_FILES.items():
        where = f"in {cache_folder()}" if cached(name) else f"not here; fer-edge models fetch {name}"
        click.echo(f"{name}: face detector, {file.licence}, {where}")


@command.command("fetch")
@click.argument("names", nargs=-1)
def fetch_models(names: tuple[str, ...]) -> None:
    """Download model files once, and check them: NAMES, or all of them."""
    from fer_edge.model_files import MODEL_FILES, fetch

    if unknown := [name for name in names if name not in MODEL_FILES]:
        raise click.BadParameter(f"{unknown[0]!r} is not one of {', '.join(MODEL_FILES)}", param_hint="NAMES")
    for name in names or tuple(MODEL_FILES):
        click.echo(f"{name}: {fetch(name)}")
