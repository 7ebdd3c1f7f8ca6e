"""The `retrain` DAG: new data, a challenger, and the alias `champion` moved on evidence alone."""

from typing import Any, NamedTuple

from kfp import dsl
from kfp.components import BaseComponent

from components.check_data.component import check_data
from components.promote.component import promote
from pipeline.dags.crossval import validate
from pipeline.dags.measure import cut, final_fit, measure, read
from pipeline.dags.place import Place
from pipeline.dags.place import guarded as handled


class Outputs(NamedTuple):
    """Artifacts of every run, whatever it decided."""

    corpus: dsl.Dataset
    checked: dsl.Artifact


def core(place: Place) -> BaseComponent:
    """The steps."""
    measured = measure(place)

    @dsl.pipeline(name="retrain-steps")
    def dag(recipe: str) -> Outputs:
        """Read, check, and train where something is new.

        Args:
            recipe: the challenger's resolved recipe as TOML text.
        """
        given = place.prepared(recipe)
        corpus = read(place, given)
        seen = place.step(check_data(recipe=recipe, corpus=corpus), cached=False)
        with dsl.If(seen.outputs["verdict"] == "first", name="no champion yet"):
            validate(place, measured, recipe, given, corpus)
        with dsl.Elif(seen.outputs["verdict"] == "new_data", name="new data, the same recipe"):
            data = {"corpus": corpus, "folds": cut(place, given, corpus)}
            ours = {"recipe": given["measuring"], "sources": given["sources"], **data}
            own = measured(**ours).outputs["reported"]
            _decide(place, recipe, ours, reported=own)
        with dsl.Elif(seen.outputs["verdict"] == "new_recipe", name="another recipe"):
            data = {"corpus": corpus, "folds": cut(place, given, corpus)}
            ours = {"recipe": given["measuring"], "sources": given["sources"], **data}
            champion = place.prepared(seen.outputs["champion_recipe"])
            theirs = {"recipe": champion["measuring"], "sources": champion["sources"], **data}
            own = measured(**ours).set_display_name("measure-challenger").outputs["reported"]
            rival = measured(**theirs).set_display_name("measure-champion").outputs["reported"]
            _decide(place, recipe, ours, reported=own, rival=rival)
        return Outputs(corpus, seen.outputs["checked"])

    return dag


def _decide(
    place: Place, recipe: str, data: dict[str, Any], *, reported: Any, rival: Any = None
) -> None:
    """The challenger's model on all data, weighed by its report against the champion's recipe's.

    Without `rival` the two are one recipe, and the report is both's.
    """
    final = final_fit(place, **data, reported=reported)
    against = {} if rival is None else {"rival": rival}
    decided = promote(recipe=recipe, trained=final.outputs["trained"], reported=reported, **against)
    place.step(decided, cached=False)


def guarded(place: Place) -> BaseComponent:
    """The steps, and the exit handler."""
    return handled(
        place,
        core(place),
        name="retrain",
        description="Retrains on new data; promotes the challenger on evidence",
        whose="the challenger's resolved recipe",
    )
