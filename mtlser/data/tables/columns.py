"""Which column of a table holds what: by the usual names in several languages, or the recipe's."""

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtlser.errors import MtlserError
from mtlser.recipes import names
from mtlser.recipes.data import ColumnsRecipe

USUAL: Mapping[str, tuple[str, ...]] = {
    "file": (
        "file", "filename", "filepath", "path", "audio", "audiofile", "audiopath", "wav", "wavfile",
        "wavpath", "recording", "clip", "datei", "dateiname", "dateipfad", "pfad", "aufnahme",
        "fichier", "chemin", "archivo", "ruta",
    ),
    "label": (
        "emotion", "label", "emotionlabel", "labels", "emo", "emoclass", "class", "category",
        "emotioncategory", "gefuhl", "gefuehl", "stimmung", "klasse", "emocion", "etiqueta",
        "etiquette",
    ),
    "speaker": (
        "speaker", "speakerid", "actor", "actorid", "spk", "spkid", "spkr", "spkrid", "talker",
        "subject", "subjectid", "sprecher", "sprecherin", "sprecherid", "person", "locuteur",
        "hablante",
    ),
    "text": (
        "text", "transcript", "transcription", "sentence", "transkript", "transkription", "satz",
        "wortlaut", "texte", "phrase", "texto", "frase",
    ),
    "gender": ("gender", "sex", "geschlecht", "genre", "sexe", "genero", "sexo"),
    "session": ("session", "sessionid", "sitzung", "sesion"),
    "dialogue": (
        "dialogue", "dialog", "dialogueid", "dialogid", "conversation", "conversationid", "call",
        "callid", "gesprach", "gespraech", "dialogo",
    ),
    "partition": ("split", "partition", "splitset", "subset", "fold", "aufteilung"),
    "language": ("language", "lang", "locale", "sprache", "langue", "idioma"),
    "start": ("start", "starttime", "startsec", "begin", "onset", "beginn", "anfang", "debut",
              "inicio"),
    "end": ("end", "endtime", "endsec", "stop", "ende", "fin"),
}  # fmt: skip
"""Names without accents, case and signs; the first that is there is taken."""
VOTES, PROBABILITY = ":votes", ":probability"
"""A column with one of these endings counts votes for its label, or gives its probability."""


@dataclass(frozen=True)
class Columns:
    """The column of each use that the table has."""

    of: Mapping[str, str]
    """Column by use: `file`, `label`, `speaker`, ..."""
    votes: Mapping[str, str]
    """Column by label, where several people or a model have voted."""


def find(columns: Sequence[str], given: ColumnsRecipe, path: Path) -> Columns:
    """The columns that are used.

    Args:
        columns: of the table.
        given: names that the recipe gives.
        path: the table, to be named.

    Raises:
        MtlserError: a column that the recipe names is absent, or there is none of files or labels.
    """
    by_plain: dict[str, str] = {}
    for name in columns:
        by_plain.setdefault(plain(name), name)
    of = {}
    for use, usual in USUAL.items():
        named = getattr(given, use)
        if named is not None:
            of[use] = _named(named, columns, use, path)
            continue
        found = next((by_plain[name] for name in usual if name in by_plain), None)
        if found is not None:
            of[use] = found
    votes = {
        name[: -len(ending)].strip(): name
        for ending in (VOTES, PROBABILITY)
        for name in columns
        if name.casefold().endswith(ending) and len(name) > len(ending)
    }
    for use in ("file", "label"):
        if use not in of and not (use == "label" and votes):
            raise _absent(use, columns, path)
    return Columns(of, votes)


def plain(name: str) -> str:
    """A column's name without case, accents and signs.

    >>> plain("Audio_Path"), plain("Gefühl")
    ('audiopath', 'gefuhl')
    """
    letters = unicodedata.normalize("NFKD", name.casefold())
    return re.sub(r"[\W_]+", "", "".join(c for c in letters if not unicodedata.combining(c)))


def _named(named: str, columns: Sequence[str], use: str, path: Path) -> str:
    if named in columns:
        return named
    same = [name for name in columns if name.casefold() == named.casefold()]
    if same:
        return same[0]
    near = difflib.get_close_matches(named, columns, n=1)
    hint = f"; the nearest is {near[0]!r}" if near else ""
    raise MtlserError(
        f"data.columns.{use} = {named!r}: {names.shown(str(path))} has the columns "
        f"{_listed(columns)}{hint}; correct it with `--set data.columns.{use}=NAME`"
    )


def _absent(use: str, columns: Sequence[str], path: Path) -> MtlserError:
    spelt = {plain(name): name for name in columns}
    close = [
        spelt[near]
        for usual in USUAL[use]
        for near in difflib.get_close_matches(usual, list(spelt)[:1000], n=1, cutoff=0.75)
    ]
    hint = f"; the nearest is {close[0]!r}" if close else ""
    word = {"file": "files", "label": "emotions"}[use]
    return MtlserError(
        f"{names.shown(str(path))}: no column of {word} among {_listed(columns)}{hint}; usual "
        f"names are {', '.join(USUAL[use][:4])}; name it with `--set data.columns.{use}=NAME`"
    )


def _listed(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - 12} more" if len(columns) > 12 else ""
    return ", ".join(columns[:12]) + more
