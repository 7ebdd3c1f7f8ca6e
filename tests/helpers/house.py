"""The rooms and floors of the code, and what is wrong with a source tree that should keep to them.

A room is a folder or a module at the top of the library. Each room is on one floor, and imports go
down only. Imports inside functions and under `TYPE_CHECKING` count like all others.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
MAX_FOLDERS, MAX_MODULES, MAX_FLOORS = 13, 6, 8

Import = tuple[str, str]
"""Dotted names of the importing module and of the imported one."""


@dataclass(frozen=True)
class Floor:
    """Rooms that build on the same floors below; in an `open` one they may import each other."""

    name: str
    rooms: tuple[str, ...]
    open: bool = False


@dataclass(frozen=True)
class House:
    """Which rooms a library has, which packages build on it, and who may import what.

    Attributes:
        library: import name of the library; as a room, this is its `__init__.py`.
        floors: of the library, ground floor first.
        outside: packages that build on the library; each may import those before it.
        only: third-party package -> rooms or modules that may import it.
        exceptions: import that breaks a rule -> why it is still there.
    """

    library: str
    floors: tuple[Floor, ...]
    outside: tuple[str, ...] = ()
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exceptions: Mapping[Import, str] = field(default_factory=dict)

    @property
    def packages(self) -> tuple[str, ...]:
        """All that is ours, import names."""
        return (self.library, *self.outside)

    def room(self, module: str) -> str:
        """Room of a module: `data` for `mtlser.data.folds`, `pipeline` for `pipeline.cli`."""
        parts = module.split(".")
        return parts[1] if parts[0] == self.library and len(parts) > 1 else parts[0]

    def floor(self, room: str) -> int | None:
        """Number of a room's floor, 1 is the ground; None for a room that is on no floor."""
        for number, floor in enumerate(self.floors, start=1):
            if room in floor.rooms:
                return number
        if room in self.outside:
            return len(self.floors) + 1 + self.outside.index(room)
        return None

    def shared(self, floor: int) -> bool:
        """Whether rooms of this floor may import each other."""
        return floor > len(self.floors) or self.floors[floor - 1].open


MTLSER = House(
    library="mtlser",
    floors=(
        Floor(
            "ground",
            ("errors", "files", "records", "recipes", "recipe", "runtime", "storage"),
            open=True,
        ),
        Floor("data and tracking", ("data", "tracking")),
        Floor("networks", ("models",)),
        Floor("measurement", ("evaluation",)),
        Floor("train, report, serve", ("training", "reporting", "serving")),
        Floor("selection", ("registry",)),
        Floor("steps", ("stages",)),
        Floor("commands", ("cli", "mtlser", "__main__"), open=True),
    ),
    outside=("components", "pipeline"),
    only={
        "kfp": ("components", "pipeline"),
        "mlflow": ("tracking", "registry", "serving.pyfunc_model"),
        "boto3": ("storage",),
        "botocore": ("storage",),
    },
    exceptions={},
)


@dataclass(frozen=True)
class Imports:
    """Every import of a source tree: between our modules, and of third-party packages."""

    modules: frozenset[str]
    ours: frozenset[Import]
    foreign: frozenset[Import]


def imports(house: House) -> Imports:
    """Imports of the house's packages, which must be on `sys.path`; nothing of them is run."""
    read = grimp.build_graph(*house.packages, include_external_packages=True, cache_dir=None)
    modules = frozenset(name for name in read.modules if name.split(".")[0] in house.packages)
    pairs = {
        (importer, imported)
        for importer in modules
        for imported in read.find_modules_directly_imported_by(importer)
    }
    ours = frozenset(pair for pair in pairs if pair[1] in modules)
    return Imports(modules, ours, frozenset(pairs) - ours)


def faults(house: House, root: Path) -> list[str]:
    """What breaks the rules in the source tree under `root`, one sentence each."""
    graph = imports(house)
    wrong = {**dict(against_floors(house, graph)), **dict(not_allowed(house, graph))}
    return [
        *sizes(house, root),
        *outside_rooms(house, graph, root),
        *circles(house, graph),
        *(text for pair, text in sorted(wrong.items()) if pair not in house.exceptions),
        *(
            f"{importer} no longer imports {imported}: remove this exception"
            for importer, imported in sorted(house.exceptions.keys() - wrong.keys())
        ),
    ]


def against_floors(house: House, graph: Imports) -> Iterator[tuple[Import, str]]:
    """Imports upwards, and between rooms of one floor that is not open."""
    for importer, imported in graph.ours:
        one, other = house.room(importer), house.room(imported)
        at, to = house.floor(one), house.floor(other)
        if one == other or at is None or to is None or to < at:
            continue
        if to > at:
            where = f"floor {at} imports floor {to}"
            yield (importer, imported), f"{importer} imports {imported}: {where}, upwards"
        elif not house.shared(at):
            yield (importer, imported), f"{importer} imports {imported}: both are on floor {at}"


def not_allowed(house: House, graph: Imports) -> Iterator[tuple[Import, str]]:
    """Imports of third-party packages in places that must do without."""
    for importer, package in graph.foreign:
        places = house.only.get(package.split(".")[0])
        inside = importer.removeprefix(f"{house.library}.")
        if places is not None and not f"{inside}.".startswith(tuple(f"{p}." for p in places)):
            text = f"{importer} imports {package}, which is for {', '.join(places)} only"
            yield (importer, package), text


def circles(house: House, graph: Imports) -> list[str]:
    """One circle of imports between files and one between rooms, where there is one."""
    files: dict[str, set[str]] = {module: set() for module in sorted(graph.modules)}
    rooms: dict[str, set[str]] = {house.room(module): set() for module in files}
    for importer, imported in sorted(graph.ours - house.exceptions.keys()):
        files[importer].add(imported)
        if house.room(importer) != house.room(imported):
            rooms[house.room(importer)].add(house.room(imported))
    texts = []
    for what, importers in (("files", files), ("rooms", rooms)):
        try:
            TopologicalSorter({one: sorted(others) for one, others in importers.items()}).prepare()
        except CycleError as error:
            # Listed from the imported to the importing one.
            texts.append(f"circle of {what}: {' -> '.join(reversed(error.args[1]))}")
    return texts


def outside_rooms(house: House, graph: Imports, root: Path) -> Iterator[str]:
    """Modules that belong to no room, and files that Python cannot import as modules."""
    for module in sorted(graph.modules):
        if house.floor(house.room(module)) is None:
            yield f"{module} is in no room"
    for package in house.packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if name not in graph.modules:
                yield f"{path.relative_to(root)} is no module: a folder lacks its __init__.py"


def left_over(folder: Path) -> bool:
    """Whether nothing but compiled files is in a folder, as after a change of branches."""
    return all(path.suffix == ".pyc" for path in folder.rglob("*") if path.is_file())


def sizes(house: House, root: Path) -> Iterator[str]:
    """Too many folders, single modules or floors."""
    entries = sorted((root / house.library).iterdir())
    folders = [path.name for path in entries if path.is_dir() and not left_over(path)]
    modules = [p.stem for p in entries if p.suffix == ".py" and p.name != "__init__.py"]
    for what, names, most in (
        ("folders", folders, MAX_FOLDERS),
        ("single modules", modules, MAX_MODULES),
        ("floors", [floor.name for floor in house.floors], MAX_FLOORS),
    ):
        if len(names) > most:
            yield f"{len(names)} {what}, at most {most} are allowed: {', '.join(names)}"
