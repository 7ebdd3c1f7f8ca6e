"""Recipes that between them hold every pair of values of any two keys (a covering array)."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from mtlser.recipe import Recipe
from mtlser.recipes.data import ColumnsRecipe

Setting = tuple[str, int]
"""A key and the index of its value."""
Table = Mapping[str, Sequence[Any]]
"""The values of each key."""
Covered = tuple[list[Recipe], list[set[Setting]]]
"""Recipes, and the pairs of settings that none can hold."""


def values(encoders: Sequence[Path | str]) -> dict[str, tuple[Any, ...]]:
    """What each key is tried with; `None` stands for a key that is not given.

    Left out, since it needs a GPU: `train.precision = "fp16"`.
    """
    return {
        "name": ("pairs",),
        "about": ("", "a sentence"),
        "seed": (0, 3),
        "data.corpus": ("emodb", "iemocap"),
        "data.root": ("somewhere",),
        "data.min_duration_s": (0.0, 0.3),
        "data.max_duration_s": (60.0, 0.2),
        "data.max_faulty": (0.01, 1.0),
        "data.table": (None,),
        "data.name": (None, "mine"),
        **{f"data.columns.{name}": (None,) for name in ColumnsRecipe.model_fields},
        "data.speaker_pattern": (None, "(..)"),
        "data.merge_speakers": ((),),
        "data.language": (None, "en"),
        "data.channels": ("mix", "loudest"),
        "data.alphabet": (None, "latin", "corpus"),
        "labels.classes": (None, "four", "all"),
        "labels.map": ({},),
        "joined": ((),),
        "split.protocol": ("loso", "session", "speakers", "recording", "random"),
        "split.test_corpora": ((), ("ravdess",)),
        "split.speaker_check": (0.1, 0.4),
        "split.speaker_folds": (5, 3),
        "split.random_folds": (10, 3),
        "split.max_folds": (None, 1),
        "model.encoder": tuple(map(str, encoders)),
        "model.revision": (None,),
        "model.layers": ("last", "weighted", "concat"),
        "model.trainable": ("all", "transformer", "heads"),
        "model.ctc_head": ("new", "pretrained"),
        "model.standardise": (False, True),
        "model.dropout": (0.0, 0.3),
        "train.alpha": (0.1, 0.0),
        "train.beta": (0.8, 0.0),
        "train.epochs": (1, 2),
        "train.patience": (10, 1),
        "train.optimizer": ("adam", "adamw"),
        "train.learning_rate": (1e-5, 1e-3),
        "train.head_learning_rate": (None, 1e-2),
        "train.weight_decay": (0.0, 0.1),
        "train.layer_decay": (1.0, 0.5),
        "train.batch_size": (8, 3),
        "train.bucket_s": ("auto", 0.5),
        "train.compile": ("auto", "on", "off"),
        "train.device_batch": (None, 2),
        "train.schedule": ("constant", "linear", "cosine"),
        "train.warmup": (0.0, 0.5),
        "train.clip_norm": (None, 1.0),
        "train.precision": ("fp32", "bf16", "auto"),
        "train.gradient_checkpointing": (False, True),
        "train.deterministic": (False, True),
        "train.spec_augment": (False, True),
        "train.class_weights": (False, True),
        "train.ctc_reduction": ("mean", "sum"),
        "train.seeds": (1, 2),
        "train.padding": ("none", "seen"),
        "train.speaker_label": ("actor", "prefix"),
        "train.checkpoint_s": (300.0, 0.0),
        "search.scope": ("fold", "global"),
        "search.sampler": ("grid", "tpe", "halving"),
        "train.ctc": ("utterance", "symbol"),
        "search.scale": ("linear", "log"),
        "search.eta": (2, 3),
        "search.alphas": ((), (0.1, 0.5)),
        "search.betas": ((), (0.2, 0.8)),
        "search.trials": (None, 1),
        "search.trainings": (None, 3),
        "search.minutes": (None, 5.0),
        "search.metric": ("ua", "wa", "f1", "wer", "loss", "joint"),
        "search.choose": ("best", "one_se"),
        "search.jobs": (1, 2),
        "noise.root": (None, "noises"),
        "noise.kinds": (("babble",), (), ("white",)),
        "noise.snr_db": ((0.0, 20.0), ()),
        "noise.level": ("active", "rms"),
        "baseline.systems": (("svm",), ()),
        "drift.max_schema_changes": (0, 2),
        "drift.max_class_psi": (0.25, 0.0),
        "drift.max_duration_ks": (0.2, 0.0),
        "drift.max_level_ks": (0.2, 1.0),
        "drift.max_added_ks": (0.6, 0.0),
        "drift.min_added": (30, 1),
        "drift.max_lost_speakers": (0.1, 0.0),
        "drift.max_lost_utterances": (0.05, 1.0),
        "drift.max_changed_utterances": (0.2, 0.0),
        "registry.name": ("mtlser", "another"),
        "registry.rule": ("not_worse", "better"),
        "registry.metrics": (("ua",), ("wer", "speaker_accuracy")),
        "registry.margin": (0.02, 0.5),
        "registry.level": (0.05, 0.2),
    }


def keys(model: type[BaseModel] = Recipe, prefix: str = "") -> Iterator[str]:
    """Every key of a recipe, dotted."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def loaded(given: Mapping[str, int], table: Mapping[str, Sequence[Any]]) -> Recipe | None:
    """The recipe with these values, and the first of each other key; `None` where it is refused."""
    content: dict[str, Any] = {}
    for key, options in table.items():
        *sections, name = key.split(".")
        value, within = options[given.get(key, 0)], content
        if value is not None:
            for section in sections:
                within = within.setdefault(section, {})
            within[name] = value
    try:
        return Recipe.model_validate(content)
    except ValidationError:
        return None


def covering(table: Table) -> Covered:
    """Recipes that hold every pair that can be loaded, and the pairs that never can.

    A pair is refused where it is refused with the first values of all other keys, and with any
    other values of any two of them, too.
    """
    wanted = {
        frozenset(((a, i), (b, j)))
        for a, b in itertools.combinations(table, 2)
        for i in range(len(table[a]))
        for j in range(len(table[b]))
    }
    recipes, refused = [], []
    for pair in sorted(wanted, key=sorted):
        if pair not in wanted:
            continue
        start = _started(dict(pair), table)
        if start is None:
            refused.append(set(pair))
            wanted.discard(pair)
            continue
        given = _filled(start, table, wanted)
        wanted -= {frozenset(each) for each in itertools.combinations(given.items(), 2)}
        recipe = loaded(given, table)
        assert recipe is not None
        recipes.append(recipe)
    return recipes, refused


def _started(pair: dict[str, int], table: Mapping[str, Sequence[Any]]) -> dict[str, int] | None:
    """The pair, and one or two further values where only these make it a recipe."""
    others = [
        {key: index}
        for key, options in table.items()
        for index in range(1, len(options))
        if key not in pair
    ]
    singly = (pair | one for one in ({}, *others))
    both = (pair | one | two for one, two in itertools.combinations(others, 2))
    tried = itertools.chain(singly, both)
    return next((given for given in tried if loaded(given, table) is not None), None)


def _filled(
    start: dict[str, int], table: Mapping[str, Sequence[Any]], wanted: set[frozenset[Setting]]
) -> dict[str, int]:
    """A whole recipe from some values: each key in turn with what holds the most new pairs."""
    given = dict(start)
    for key, options in table.items():
        if key in given:
            continue

        def new(index: int, key: str = key) -> int:
            return sum(frozenset(((key, index), other)) in wanted for other in given.items())

        for index in sorted(range(len(options)), key=lambda i: (-new(i), i)):
            if loaded({**given, key: index}, table) is not None:
                given[key] = index
                break
        else:
            raise AssertionError(f"no value of {key} fits {given}")
    return given
