"""How both commands, `mtlser` and `mtlser-pipeline`, begin and end."""

import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, NoReturn

import typer

from mtlser import files, runtime
from mtlser.errors import MtlserError, hide_secrets_in_tracebacks, public_text


def start(app: typer.Typer, name: str) -> None:
    """Runs a command line; a failure of the user's or of the disk is one line on stderr.

    Results go to stdout; what the library logs goes to stderr.

    Exit codes: 2 a mistake, 1 a full disk, 130 a keyboard interrupt.

    Args:
        app: the commands.
        name: what the user typed.
    """
    runtime.relax_collector()
    runtime.print_anything()
    runtime.show_log()
    try:
        app(prog_name=name)
    except MtlserError as error:
        end(name, str(error), error.exit_code)
    except OSError as error:
        if files.is_full(error):
            end(name, f"{error}; make room there and run the same command again", 1)
        if error.filename is None:
            raise
        end(name, f"{error.filename}: {error.strerror}; give another path", 2)
    finally:  # typer has put a hook of its own in place
        hide_secrets_in_tracebacks()


def end(name: str, sentence: str, code: int, *, whole: bool = False) -> NoReturn:
    """Writes one line on stderr, without passwords or tokens, and ends the process.

    Args:
        name: of the command.
        sentence: what went wrong and what to do.
        code: exit code.
        whole: keep its lines, as of a failed step's output.
    """
    shown = sentence if whole else " ".join(sentence.split())
    sys.stderr.write(f"{name}: {public_text(shown)}\n")
    raise SystemExit(code)


def _show_version(wanted: bool) -> None:
    if wanted:
        from mtlser.tracking.provenance import commit

        try:
            installed = version("mtlser")
        except PackageNotFoundError:
            installed = "(not installed)"
        code = commit()
        typer.echo(f"mtlser {installed}" + (f", commit {code}" if code else ""))
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
    ),
]
