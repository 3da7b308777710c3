"""Settings from a file and from the command line, every key checked."""

import re
from collections.abc import Sequence
from dataclasses import asdict, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

import yaml
from jsonargparse import ArgumentParser

from forget.errors import ForgetError
from forget.recognition.settings import Settings

__all__ = ["keys", "parser_of", "read_settings", "settings_of", "write_settings"]

_WRONG = re.compile(r'key "([^"]+)".*?Expected (.+?)\. Got value: (.+)', re.DOTALL)
_UNKNOWN = re.compile(
    r"unrecognized arguments: --([\w.]+)|Group '([\w.]+)' does not accept option '([\w.]+)"
    r"|Key '([\w.]+)"
)


class _Parser(ArgumentParser):
    """Raises the house's error instead of ending the process."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        raise _explained(" ".join(message.split())) from ex


def parser_of(description: str = "") -> ArgumentParser:
    """A parser with every key of `Settings` and --config; scripts add options of their own."""
    parser = _Parser(description=description, exit_on_error=False)
    parser.add_argument("--config", action="config", help="a YAML file with any of the keys below")
    parser.add_class_arguments(Settings, as_group=False)
    return parser


def settings_of(said: Any) -> Settings:  # noqa: ANN401 - a namespace with keys of a script beside
    """The settings among what a parser of `parser_of` has read."""
    return Settings(**{one.name: getattr(said, one.name) for one in fields(Settings)})


def read_settings(arguments: Sequence[str] | None = None) -> Settings:
    """Settings from the command line and from the file that --config names.

    A key on the command line goes before the same one in the file, such as
    `--unlearning.method project`.

    Arguments:
        arguments: Of the command line; by default the process's.

    Raises:
        ForgetError: A key that is not there, a value of another type, or no such file; the error
            names key, expected and got.
    """
    parser = parser_of()
    return settings_of(parser.instantiate(parser.parse_args(arguments)))


def keys() -> list[str]:
    """Every key with its dots, such as "unlearning.method"."""

    def below(tree: dict[str, Any], prefix: str = "") -> list[str]:
        found = []
        for name, value in tree.items():
            inside = isinstance(value, dict)
            found += below(value, f"{prefix}{name}.") if inside else [prefix + name]
        return found

    return below(asdict(Settings()))


def write_settings(settings: Settings, path: Path) -> None:
    """Writes settings as YAML, from which they can be read again."""
    path.write_text(yaml.safe_dump(asdict(settings), sort_keys=False))


def _explained(message: str) -> ForgetError:
    wrong, unknown = _WRONG.search(message), _UNKNOWN.search(message)
    if wrong:
        key, wanted, got = wrong.groups()
        return ForgetError(f"{key}: {_plain(wanted)}", got, "Correct it in the file or after --.")
    if unknown:
        name = ".".join(part for part in unknown.groups() if part)
        near = get_close_matches(name, keys(), 1, 0.6)
        hint = f"Did you mean {near[0]}? " if near else ""
        return ForgetError("a key that is there", name, f"{hint}All keys: --help.")
    return ForgetError("settings that can be read", message, "All keys: --help.")


def _plain(wanted: str) -> str:
    """A type in words."""
    choices = re.fullmatch(r"a typing\.Literal\[(.*)\]", wanted)
    if choices:
        return f"one of {choices.group(1)}"
    return re.sub(r"<class '(\w+)'>", r"\1", wanted).removeprefix("a ").replace("typing.", "")
