"""What every stage does first: a step of a pipeline is a process that starts with its stage."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from mtlser import runtime
from mtlser.errors import hide_secrets_in_tracebacks

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def stage(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The function, which sets the process up before it imports anything heavy."""

    @wraps(function)
    def started(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        runtime.relax_collector()
        hide_secrets_in_tracebacks()
        if runtime.runs_component():
            runtime.print_anything()
            runtime.show_log()
        return function(*args, **kwargs)

    return started
