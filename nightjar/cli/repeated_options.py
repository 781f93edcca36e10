"""Refuses an option that is given twice where a command takes one, so that no typed value is dropped silently."""

from collections import Counter

import typer
from typer.core import TyperCommand, TyperOption

from nightjar.contract.errors import BadInput


class CommandWithoutRepeatedOptions(TyperCommand):
    """A command whose options may be repeated only where they are lists."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Parse the arguments of one call.

        Raises:
            BadInput: an option that takes one value is given twice.
        """
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        times = Counter(id(option) for option in order)
        for option in order:
            if isinstance(option, TyperOption) and not option.multiple and times[id(option)] > 1:
                raise BadInput(
                    f"{option.opts[0]} is given {times[id(option)]} times: expected one",
                    code="repeated_option",
                    option=option.opts[0],
                    count=times[id(option)],
                )
        return super().parse_args(ctx, args)


def refuse_repeated_options(app: typer.Typer) -> None:
    """Make every command of an application and its groups refuse a repeated option."""
    for command in app.registered_commands:
        command.cls = CommandWithoutRepeatedOptions
    for group in app.registered_groups:
        if group.typer_instance is not None:
            refuse_repeated_options(group.typer_instance)
