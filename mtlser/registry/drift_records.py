"""What a check of new data says (`drift.json`), without anything heavy."""

from typing import Literal

from mtlser.records import Record

DRIFT = "drift.json"
Verdict = Literal["first", "unchanged", "new_data", "new_recipe"]


class Check(Record):
    """What a retraining is to do."""

    verdict: Verdict
    """`first`: there is no champion. `unchanged`: nothing to learn. `new_data`: for the champion's
    own recipe. `new_recipe`: to be cross-validated beside the champion's, on new data or old."""
    champion_recipe: str
    """TOML text of the champion's recipe; the challenger's own unless that is a `new_recipe`."""


class Measure(Record):
    """One comparison of the new corpus with the champion's."""

    name: str
    champion: str
    """What the champion's corpus has, in words."""
    now: str
    effect: float
    """Size of the difference; 0: none."""
    scale: str
    """What the size is: `psi`, `ks`, `share` or `count`."""
    limit: float | None
    """Of the recipe; `None`: shown, not judged."""
    key: str
    """The recipe's key of the limit; empty without one."""
    p: float | None = None
    """P-value of the test, where there is one. It decides nothing: at the size of a corpus any
    difference has a small one."""
    cramers_v: float | None = None
    """Association of class and corpus, 0-1, of the class shares alone; depends on how unlike in
    size the two corpora are, so it is shown and not judged."""

    @property
    def breach(self) -> bool:
        """True where the size is over the limit."""
        return self.limit is not None and self.effect > self.limit


class Drift(Record):
    """`drift.json`: the verdict, what it rests on, and every measure."""

    verdict: Verdict
    reason: str
    model: str
    champion: int | None
    """Version of the champion; `None` where there is none."""
    manifest_digest: str
    champion_manifest_digest: str | None
    recipe_hash: str
    champion_recipe_hash: str | None
    utterances: int
    added: int
    """Utterances that the champion's corpus has not."""
    lost: int
    changed: int
    """Utterances of both whose audio, emotion, speaker or text is another."""
    measures: tuple[Measure, ...] = ()
    """Empty where there is nothing to compare with."""

    @property
    def breaches(self) -> tuple[Measure, ...]:
        """What is over its limit."""
        return tuple(measure for measure in self.measures if measure.breach)
