"""Tables for terminals and for `grep`: no cell is cut, however narrow the window; the terminal wraps the line."""

from collections.abc import Iterable, Sequence


def print_rows(headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[str] = ()) -> None:
    """Text of people's is printed as it is. right: headings of the columns of numbers."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    numbers = frozenset(right)
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in numbers else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console = Console()
    console.width = max(console.width, table.__rich_measure__(console, console.options.update(width=100_000)).maximum)
    console.print(table)
