"""SCHEME:TARGET?OPTIONS, which names sources and sinks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeVar
from urllib.parse import parse_qsl, unquote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from fer_edge.errors import UsageError, problems

MAX_URI = 4096  # characters


class Options(BaseModel):
    """What may stand after the question mark; every source and sink has its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _split_size(text: object) -> object:
    return text.lower().split("x") if isinstance(text, str) else text


Side = Annotated[int, Field(ge=8, le=8192)]
Size = Annotated[tuple[Side, Side], BeforeValidator(_split_size)]
OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True)
class Uri:
    """A parsed URI.

    Attributes:
        text: as the user wrote it.
        scheme: lower case.
        target: what lies between scheme and options: an absolute path, "host:port", a camera's number.
        options: names and values after the question mark.
    """

    text: str
    scheme: str
    target: str
    options: dict[str, str]

    def parse_options(self, kind: type[OptionsT]) -> OptionsT:
        """Check the options against what the scheme takes.

        Raises:
            UsageError: an unknown option, or a value of the wrong form.
        """
        try:
            return kind.model_validate(self.options)
        except ValidationError as error:
            known = ", ".join(kind.model_fields) or "none"
            message = f"{self.text}: {problems(error, kind)}"
            raise UsageError(message, f"{self.scheme}: takes these options: {known}") from error


def parse_uri(text: str, kind: str, schemes: tuple[str, ...]) -> Uri:
    """Take a URI apart.

    Args:
        text: such as "v4l2:///dev/video0", "file:clip.mp4?loop=1", "picamera2://0?size=1280x720&fps=30".
        kind: "source" or "sink", for messages.
        schemes: those that exist.

    Raises:
        UsageError: no scheme, or an unknown one.
    """
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in schemes or len(text) > MAX_URI:
        raise UsageError(
            f"{text[:200]!r} is no {kind}: it must begin with one of {', '.join(f'{s}:' for s in schemes)}",
            f"A file is file:{text[:200]}" if kind == "source" and not colon else "See docs/run.md",
        )
    if scheme == "gst":  # a pipeline holds question marks, slashes and fragments of its own
        return Uri(text, scheme, rest.removeprefix("//"), {})
    target, _, query = rest.removeprefix("//").partition("?")
    return Uri(text, scheme, unquote(target), dict(parse_qsl(query, keep_blank_values=True)))
