"""Names that a user gives and that end elsewhere: in MLflow, in a folder, in a Kubeflow run.

A name that its destination would refuse is refused when the recipe loads, or is escaped so that
two different names stay different. The rules are those of MLflow 3.17 (`mlflow.utils.validation`),
which the tests ask again.
"""

import hashlib
import posixpath
import re
import unicodedata
from collections.abc import Mapping

from mtlser.records import paths

ENTITY_LENGTH = 250
"""Characters of a metric's name, and of a tag's or parameter's key, in MLflow."""
MODEL_LENGTH = 250
"""Characters of a registered model's name; MLflow's table has 256."""
RECIPE_LENGTH = 100
"""Characters of a recipe's name, which is part of the name of a Kubeflow run."""
RUN_KEY_LENGTH = 250
NOT_IN_A_MODEL = "/:'@?"
"""MLflow refuses the first two; the others end its filters and `models:/` addresses."""
CONDITION = re.compile(r"(?P<kind>.*)@(?P<level>-?[0-9.e+-]+dB)", re.DOTALL)
"""Name of a noisy condition, as `mtlser.evaluation.noise_facts.condition` makes it."""


def unreadable(text: str) -> str | None:
    r"""What keeps a text from being written as UTF-8 in one line; `None`: nothing.

    >>> unreadable("café") is None, unreadable("a\tb"), unreadable("caf\udce9")
    (True, 'holds the control character U+0009', 'is not UTF-8 (byte 0xe9)')
    """
    for sign in text:
        if unicodedata.category(sign) in {"Cc", "Zl", "Zp"}:
            return not_utf8(text) or f"holds the control character U+{ord(sign):04X}"
    return not_utf8(text)


def not_utf8(text: str) -> str | None:
    r"""What keeps a text from being written as UTF-8; `None`: nothing.

    >>> not_utf8("a\tb") is None, not_utf8("a\tcaf\udce9")
    (True, 'is not UTF-8 (byte 0xe9)')
    """
    code = next((ord(sign) for sign in text if unicodedata.category(sign) == "Cs"), None)
    if code is None:
        return None
    return f"is not UTF-8 (byte {code - 0xDC00:#04x})" if code >= 0xDC80 else "is not UTF-8"


def shown(name: str) -> str:
    r"""The name of a file as UTF-8 text; bytes that are not UTF-8 as `\xe9`.

    >>> print(shown("café"), shown("caf\udce9"))
    café caf\xe9
    """
    as_bytes = re.sub("[\udc80-\udcff]", lambda sign: f"\\x{ord(sign[0]) - 0xDC00:x}", name)
    return as_bytes.encode("utf-8", "backslashreplace").decode()


def model(name: str) -> str:
    """The name itself, of a registered model.

    Raises:
        ValueError: MLflow, its filters or its `models:/` addresses could not take it.
    """
    _check_text(name)
    found = [sign for sign in NOT_IN_A_MODEL if sign in name]
    if found:
        raise ValueError(
            f"holds {' '.join(found)}; a registered model's name may hold none of "
            f"{' '.join(NOT_IN_A_MODEL)}"
        )
    if name == "." or name.startswith(".."):
        raise ValueError("is a path; a registered model's name may not be . or begin with ..")
    return _short(name, MODEL_LENGTH)


def recipe(name: str) -> str:
    """The name itself, of a recipe: a run folder below `runs/`, part of the names of runs.

    Raises:
        ValueError: it leads out of that folder, or is too long.
    """
    return _short(relative(name), RECIPE_LENGTH)


def relative(path: str) -> str:
    """The path itself, which stays below the folder that it begins in.

    Raises:
        ValueError: it is empty, absolute, or has a part that is empty, `.` or `..`.
    """
    _check_text(path)
    return paths.below(path)


def run_key(key: str) -> str:
    """The key itself, which all steps of one pipeline run share; empty: none.

    Raises:
        ValueError: MLflow could not look for it.
    """
    if not key:
        return key
    _check_text(key)
    if "'" in key:
        raise ValueError("holds an apostrophe; expected a text without quotes")
    return _short(key, RUN_KEY_LENGTH)


def escaped(text: str, also: str = "") -> str:
    """The text with each character that MLflow refuses in a key as `:HEX:`; never two alike.

    Args:
        text: any text.
        also: further characters to escape.

    >>> escaped("babble"), escaped("bar+1"), escaped("a:b")
    ('babble', 'bar:2b:1', 'a:3a:b')
    """
    return "".join(
        sign if re.match(r"[\w.\- /]", sign) and sign not in also else f":{ord(sign):x}:"
        for sign in text
    )


def entity(key: str) -> str:
    """A key that `escaped` made, as one of MLflow's: in order as a path, and short enough.

    >>> entity("test_a/../b"), len(entity("x" * 300))
    ('test_a:2f:..:2f:b', 250)
    """
    if posixpath.normpath(key) != key or key.startswith(("/", "..")) or key == ".":
        key = key.replace("/", ":2f:")
        key = re.sub(r"\A\.", ":2e:", key)
    if len(key) <= ENTITY_LENGTH:
        return key
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{key[: ENTITY_LENGTH - len(digest) - 2]}:{digest}:"


def entities(values: Mapping[str, float]) -> dict[str, float]:
    """Metrics under keys that MLflow takes; two keys never become one.

    >>> entities({"snr_5_wa_mean": 0.5, "a,b_snr_5_wa_mean": 0.6})
    {'snr_5_wa_mean': 0.5, 'a:2c:b_snr_5_wa_mean': 0.6}
    """
    return {entity(escaped(key)): value for key, value in values.items()}


def metric_of_test(condition: str, metric: str) -> str:
    """MLflow's name of a test metric under a condition; different ones have different names.

    >>> metric_of_test("clean", "wa"), metric_of_test("babble@5dB", "wer")
    ('test_clean_wa', 'test_babble_5dB_wer')
    >>> metric_of_test("a@b@5dB", "wa"), metric_of_test("a_b@5dB", "wa")
    ('test_a:40:b_5dB_wa', 'test_a_b_5dB_wa')
    """
    noisy = CONDITION.fullmatch(condition)
    shown = (
        f"{escaped(noisy['kind'])}_{escaped(noisy['level'])}"
        if noisy
        else escaped(condition, also="_")
    )
    return entity(f"test_{shown}_{metric}")


def _check_text(name: str) -> None:
    if not name.strip():
        raise ValueError("is empty; give a name")
    fault = unreadable(name)
    if fault is not None:
        raise ValueError(f"{fault}; give a name of printable characters")
    if name != name.strip():
        raise ValueError("begins or ends with a space; leave it out")


def _short(name: str, limit: int) -> str:
    if len(name) > limit:
        raise ValueError(f"has {len(name)} characters; at most {limit} are allowed")
    return name
