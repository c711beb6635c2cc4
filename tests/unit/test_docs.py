"""The documentation's examples run, its links lead somewhere, and docs/cli.md is what the commands say."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import sys
from pathlib import Path

import click
import pytest

from fer_edge.cli import cli
from fer_edge.cli.run_config import RunConfig
from fer_edge.training.recipe import Recipe, load_recipe
from tests.support.pictures import png, texture

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def blocks(page: Path, language: str) -> list[str]:
    """Code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("page", [ROOT / "docs/python-api.md", ROOT / "README.md"], ids=lambda page: page.name)
def test_the_python_examples_run(
    page: Path,
    tiny_artifacts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(tiny_artifacts / "tiny-int8.tflite", tmp_path / "densenet121-int8.tflite")
    (tmp_path / "face.png").write_bytes(png(texture(1)))
    monkeypatch.chdir(tmp_path)
    examples = blocks(page, "python")
    assert examples
    for example in examples:
        exec(compile(example, str(page), "exec"), {})
        assert re.search("red|green|blue|angry|happy|neutral|sad|surprise", capsys.readouterr().out)


def test_the_command_line_page_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("generate_cli", ROOT / "docs" / "generate_cli.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == module.render(), "run: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_that_are_shown_exist_and_take_these_options(page: Path) -> None:
    for line in re.findall(r"^fer-edge (.+)$", "\n".join(blocks(page, "sh")), re.MULTILINE):
        words = shlex.split(line.replace("...", ""), comments=True)
        command: click.Command = cli
        while isinstance(command, click.Group) and words[:1] and not words[0].startswith("-"):
            found = command.get_command(click.Context(command), words.pop(0))
            assert found is not None, line
            command = found
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known | {"--help", "--version"}, line


def test_the_settings_on_the_camera_page_are_valid() -> None:
    text = blocks(ROOT / "docs" / "run.md", "toml")[0]
    assert RunConfig(**tomllib.loads(text)).detect_every == 2


def test_the_recipe_on_the_training_page_is_the_one_we_ship() -> None:
    text = blocks(ROOT / "docs" / "training.md", "toml")[0]
    assert Recipe(name="scratch", **tomllib.loads(text)) == load_recipe("scratch")


def test_the_contract_file_on_the_conversion_page_is_valid() -> None:
    model = pytest.importorskip("convert.model")
    text = blocks(ROOT / "docs" / "convert.md", "toml")[0]
    assert model.ForeignOptions(**tomllib.loads(text)).labels == ("angry", "happy", "sad")
