"""Command-line flags derived from dataclasses, and errors of one line for what is mistyped.

A scenario's flags and their help come from its `Parameter` declarations; tyro does the parsing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import io
import re
import shlex
import textwrap
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import tyro

from worldsim.errors import InputError
from worldsim.scenario import Parameter, Scenario, list_scenarios, scenario_class

Options = TypeVar("Options")

WIDTH = 80
"""Columns of text in help."""


def parse(options: type[Options], args: Sequence[str], *, command: str,
          description: str) -> Options:
    """Parse flags into a dataclass.

    Parameters
    ----------
    options : the dataclass; a field's help is its docstring or `tyro.conf.arg`.
    args : what follows `command` on the command line.
    command : e.g. ``"worldsim run tsunami"``, for help and corrected commands.

    Raises
    ------
    InputError : a flag or value that does not exist, with the nearest one that does.
    SystemExit : after ``--help``.
    """
    if "--help" not in args and "-h" not in args:
        _check(options, args, command)
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(options, args=list(args), prog=command, description=description)
    except SystemExit as stop:
        if not stop.code:
            raise
    raise InputError(f"{_first_sentence(complaint.getvalue())}; see `{command} --help`")


def parse_with_scenario(options: type[Options], args: Sequence[str], *, verb: str,
                        description: str) -> tuple[Scenario, Options]:
    """Parse ``SCENARIO --parameter … --option …``.

    Only the named scenario's module is imported.

    Returns
    -------
    The scenario with the given parameters, and the options.
    """
    known = ", ".join(list_scenarios())
    if not args or args[0].startswith("-"):
        if args and args[0] in ("--help", "-h"):
            print(f"usage: {verb} SCENARIO ...\n\n{textwrap.fill(description, WIDTH)}\n\n"
                  f"{textwrap.fill(f'scenarios: {known}', WIDTH)}\n\n"
                  f"`{verb} SCENARIO --help` lists the flags of one.")
            raise SystemExit(0)
        raise InputError(f"name a scenario first: {verb} SCENARIO ...; there are: {known}")
    try:
        cls = scenario_class(args[0])
    except InputError as error:
        near = difflib.get_close_matches(args[0], list_scenarios(), n=1)
        if not near:
            raise
        raise InputError(f"{error}: `{_join(verb, near[0], *args[1:])}`") from None
    fields: list[tuple[str, Any, Any]] = [
        (name, _annotation(spec), dataclasses.field(default=default))
        for name, spec, default in _declared(cls)
    ]
    hints = get_type_hints(options, include_extras=True)
    for field in dataclasses.fields(options):  # type: ignore[arg-type]
        fields.append((field.name, hints[field.name], _copy(field)))
    flags = dataclasses.make_dataclass("Flags", fields, frozen=True, kw_only=True)
    parsed: Any = parse(flags, args[1:], command=f"{verb} {args[0]}",
                   description=f"{description}\n\n{cls.name}: {cls.summary}")
    scenario = cls(**{name: getattr(parsed, name) for name in cls.parameters()})
    chosen = {f.name: getattr(parsed, f.name) for f in dataclasses.fields(options)}  # type: ignore[arg-type]
    return scenario, options(**chosen)


def _declared(cls: type[Scenario]) -> list[tuple[str, Parameter, Any]]:
    defaults = {field.name: field.default for field in dataclasses.fields(cls)}
    return [(name, spec, defaults[name]) for name, spec in cls.parameters().items()]


def _annotation(spec: Parameter) -> Any:
    if spec.choices:
        kind: Any = Literal[spec.choices]
        return Annotated[kind, tyro.conf.arg(help=spec.meaning)]
    meaning = f"{spec.meaning}, {ranges(spec)}"
    return Annotated[float, tyro.conf.arg(metavar=spec.unit, help=meaning)]


def ranges(spec: Parameter) -> str:
    """A continuous parameter's ranges in words."""
    (low, high), (trained_low, trained_high) = spec.physical, spec.training
    return (f"{low:g} to {high:g} {spec.unit} "
            f"(models train on {trained_low:g} to {trained_high:g} {spec.unit})")


def _copy(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return dataclasses.field(default=field.default)
    if field.default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=field.default_factory)
    return dataclasses.field()


def _check(options: type, args: Sequence[str], command: str) -> None:
    """Refuse unknown flags, unknown choices and what is not a plain number."""
    hints = {name.replace("_", "-"): hint for name, hint in
             get_type_hints(options, include_extras=True).items()}
    for position, token in enumerate(args):
        if not token.startswith("--"):
            continue
        name, equals, value = token[2:].partition("=")
        name = name.replace("_", "-")
        if name not in hints and not (name.startswith("no-") and hints.get(name[3:]) is bool):
            corrected = _nearest(name, hints)
            if not corrected:
                raise InputError(f"unknown flag --{name}; `{command} --help` lists what there is")
            fixed = [*args[:position], f"--{corrected}{equals}{value}", *args[position + 1:]]
            raise InputError(f"unknown flag --{name}; did you mean --{corrected}? "
                             f"`{_join(command, *fixed)}`")
        if not equals and position + 1 < len(args):
            value = args[position + 1]
        if value:
            _check_value(name, hints.get(name), value)


def _check_value(name: str, hint: Any, value: str) -> None:
    if get_origin(hint) is Annotated:
        hint, note = get_args(hint)[:2]
        unit = getattr(note, "metavar", None)
    else:
        unit = None
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        if value not in choices:
            near = _nearest(value, choices)
            hint_text = f"; did you mean {near}?" if near else ""
            raise InputError(f"--{name} {value} is not one of {', '.join(choices)}{hint_text}")
    elif hint in (float, int):
        kind = "whole number" if hint is int else "number"
        plain = f"plain {kind} in {unit}" if unit and unit not in ("1", "N") else f"plain {kind}"
        try:
            hint(value)
        except ValueError:
            raise InputError(f"--{name} {value}: give a {plain}, without the unit") from None


def _nearest(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return near[0] if near else ""


def _join(command: str, *args: str) -> str:
    return f"{command} {shlex.join(args)}".rstrip()


def _first_sentence(box: str) -> str:
    """The first paragraph of a message that tyro drew in a box."""
    lines: list[str] = []
    for line in box.splitlines():
        text = line.strip("│╭╮╰╯ ")
        if re.match(r"^─+$", text) and lines:
            break
        if text and "─" not in text:
            lines.append(text)
    return " ".join(lines).rstrip(".") or "the command cannot be read"
