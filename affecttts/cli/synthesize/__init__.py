"""`affecttts synthesize`: speak one text, or a batch."""

from affecttts.cli.synthesize.command import add_to

__all__ = ["add_to"]
