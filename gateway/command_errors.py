"""What ends a command."""


class CommandError(Exception):
    """The command cannot do what it should. The text is for the person at the terminal, each line a reason."""
