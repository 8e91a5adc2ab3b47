"""The command line as a Typer application that imports a command only when it is used."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from pressloop._version import __version__
from pressloop.cli.commands import COMMANDS, GROUPS, CommandEntry
from pressloop.errors import PressloopError

_BY_NAME: Final = {entry.name: entry for entry in COMMANDS}


class LazyGroup(TyperGroup):
    """A group whose commands are names with a help line until one of them is used."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return name, command and the rest of the arguments; this imports the command."""
        name, command, rest = super().resolve_command(ctx, args)
        path = [self.name, name] if self.name in GROUPS else [name]
        entry = _BY_NAME.get(" ".join(filter(None, path)))
        return name, command if entry is None else _load(entry), rest


def _load(entry: CommandEntry) -> Any:
    """Import a command and build it, with its arguments and options."""
    try:
        function = entry.load()
    except PressloopError as error:
        typer.echo(f"error {error}", err=True)
        raise typer.Exit(1) from error
    single = typer.Typer(
        add_completion=False, rich_markup_mode="rich", pretty_exceptions_show_locals=False
    )
    single.command(entry.name.rpartition(" ")[2])(function)
    return typer.main.get_command(single)


def _not_loaded() -> None:
    """Stand in for a command in the list of commands; it is never called."""
    raise AssertionError("the command was not loaded")


def _group(name: str, text: str) -> typer.Typer:
    return typer.Typer(
        name=name,
        cls=LazyGroup,
        help=text,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_show_locals=False,
    )


app = _group(
    "pressloop", "Press cells by protocol: the same pressures, durations and records, every time."
)
_groups: Final = {name: _group(name, text) for name, text in GROUPS.items()}
for _entry in COMMANDS:
    _name, _, _rest = _entry.name.partition(" ")
    if _rest:
        _groups[_name].command(_rest, help=_entry.help)(_not_loaded)
    else:
        app.command(_name, help=_entry.help)(_not_loaded)
for _group_app in _groups.values():
    app.add_typer(_group_app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    pass
