"""What every stage does first: a step of a pipeline is a process that starts with its stage."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from mtlser import runtime
from mtlser.errors import hide_secrets_in_tracebacks
from mtlser.stages import attempts

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def stage(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The function, which sets the process up before it imports anything heavy.

    As a step of Kubeflow it runs in a process of its own, and again after a crash, where the
    environment says how often.
    """

    @wraps(function)
    def started(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        runtime.relax_collector()
        hide_secrets_in_tracebacks()
        if runtime.runs_component():
            runtime.print_anything()
            runtime.show_log()
            policy = attempts.Policy.read()
            if policy is not None:
                result: Result = attempts.run(policy, function, *args, **kwargs)
                return result
        return function(*args, **kwargs)

    return started
