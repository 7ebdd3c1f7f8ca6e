"""The address of a SQLite database, and the file that an address names.

SQLAlchemy reads the path of an address as percent-encoded, and ends it at a `?`. So a folder whose
name holds a `?`, a `%` or a `#` has to be encoded, or the database is another one elsewhere.
"""

from pathlib import Path
from urllib.parse import quote, unquote

from mtlser.errors import MtlserError
from mtlser.recipes import names

PREFIX = "sqlite:///"
DRIVER = "sqlite+pysqlite:///"
"""The same; under the shorter name MLflow 3.17 would make a folder called `50%25`, too."""
ENCODED = str.maketrans({sign: quote(sign) for sign in "%?#"})


def address(database: Path) -> str:
    """Address of a database file with an absolute path, for MLflow and SQLAlchemy.

    >>> address(Path("/data/my runs/mlflow.db")), address(Path("/data/50%?/mlflow.db"))
    ('sqlite:////data/my runs/mlflow.db', 'sqlite+pysqlite:////data/50%25%3F/mlflow.db')

    Raises:
        MtlserError: the path is not UTF-8, which SQLite's addresses are; or it holds an
            apostrophe, with which MLflow 3.17 makes a statement that SQLite cannot read.
    """
    fault = names.unreadable(str(database))
    fault = "holds an apostrophe" if "'" in str(database) and fault is None else fault
    if fault is not None:
        raise MtlserError(
            f"{str(database)!r}: the path {fault}, so MLflow's database cannot be there; run in "
            "another folder, set MLFLOW_TRACKING_URI, or set MTLSER_TRACKING=off"
        )
    encoded = str(database).translate(ENCODED)
    return (PREFIX if encoded == str(database) else DRIVER) + encoded


def path(address: str) -> Path | None:
    """The file that the address names; `None` where it is of another store, or of none.

    >>> str(path("sqlite:////data/50%25%3F/mlflow.db"))
    '/data/50%?/mlflow.db'
    >>> path("http://host:5000") is None, path("sqlite://") is None
    (True, True)
    """
    scheme, separator, rest = address.partition(":///")
    database = unquote(rest.partition("?")[0])
    if not separator or scheme.partition("+")[0] != "sqlite" or database in {"", ":memory:"}:
        return None
    return Path(database)
