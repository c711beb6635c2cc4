from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from fer_edge import errors
from fer_edge.errors import FerEdgeError
from fer_edge.optional import require
from fer_edge.registry import lookup


def tree(root: type[FerEdgeError]) -> list[type[FerEdgeError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in tree(child))]


def test_the_docstring_lists_every_error_with_its_exit_code() -> None:
    documented = {
        words[0]: int(words[1])
        for line in (errors.__doc__ or "").splitlines()
        if len(words := line.replace("├──", "").replace("└──", "").replace("│", "").split()) > 1 and words[1].isdigit()
    }
    ours = [kind for kind in tree(FerEdgeError) if kind.__module__ == errors.__name__]
    assert documented == {kind.__name__: kind.exit_code for kind in ours}


def test_the_message_ends_in_the_remedy() -> None:
    assert str(FerEdgeError("no file x", "Check the path")) == "no file x. Check the path"
    assert str(FerEdgeError("no file x")) == "no file x"


def test_an_absent_package_names_the_pip_command() -> None:
    with pytest.raises(errors.MissingDependencyError) as caught:
        require("no_such_module_at_all", extra="openvino")
    assert "no_such_module_at_all" in caught.value.message
    assert "pip install 'fer-edge[openvino]'" in caught.value.remedy
    assert caught.value.exit_code == 4


def test_a_present_package_is_returned() -> None:
    assert require("json.decoder", extra="none").__name__ == "json.decoder"


def test_an_unknown_name_lists_the_valid_ones() -> None:
    table = {"one": "json:loads", "two": "json:dumps"}
    assert lookup(table, "two", "thing")([1]) == "[1]"
    with pytest.raises(errors.UsageError, match=r"unknown thing 'three'.*one, two"):
        lookup(table, "three", "thing")


def test_an_unknown_key_names_those_of_its_own_part() -> None:
    class Inner(BaseModel, extra="forbid"):
        size: int = 1

    class Outer(BaseModel, extra="forbid"):
        part: Inner = Inner()
        parts: list[Inner] = []

    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"part": {"bogus": 1}, "wrong": 2, "parts": [{"bogus": 1}]})
    text = errors.problems(caught.value, Outer)
    assert "part.bogus: is not known; known are size" in text
    assert "wrong: is not known; known are part, parts" in text
    assert "parts.0.bogus: is not known" in text
