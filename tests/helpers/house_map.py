"""The map of rooms and floors: as text, as a table and a picture of docs/README.md; `make map`.

Everything comes from the code: floors from `house.py`, who imports whom from the sources, what a
room holds from the first sentence of its docstring.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

from tests.helpers.house import MTLSER, ROOT, House, imports

PICTURE = "docs/map.svg"
PAGE = "docs/README.md"
BEGIN = "<!-- begin of the map: written by `make map` -->"
END = "<!-- end of the map -->"

COLUMNS = {
    "pipeline": 1, "components": 1, "cli": 0, "stages": 1, "registry": 1,
    "reporting": 0, "serving": 1, "training": 2, "evaluation": 2, "models": 2,
    "tracking": 0, "data": 2,
}  # fmt: skip
"""Where a room is drawn, so that no arrow passes behind another room."""
NOT_DRAWN = ("mtlser", "__main__")

WIDTH, TOP, STEP, BOX_WIDTH, BOX_HEIGHT = 800, 46, 64, 124, 32
STYLE = """
    text { font: 14px system-ui, sans-serif; fill: #1f2328; text-anchor: middle }
    .floor { fill: #59636e; font-size: 13px; text-anchor: start }
    .page { fill: #fff } .band { fill: #f6f8fa } .box { fill: #ddf4ff; stroke: #0969da }
    .around { fill: #fff8c5; stroke: #9a6700 } .arrow { stroke: #59636e; stroke-width: 1.3 }
    .head { fill: #59636e }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc } .floor { fill: #9198a1 } .page { fill: #0d1117 }
      .band { fill: #151b23 } .box { fill: #121d2f; stroke: #4493f8 }
      .around { fill: #272115; stroke: #d29922 } .arrow { stroke: #9198a1 } .head { fill: #9198a1 }
    }"""


def imported_rooms(house: House) -> dict[str, set[str]]:
    """Room -> other rooms that it imports."""
    graph = imports(house)
    rooms: dict[str, set[str]] = {house.room(module): set() for module in graph.modules}
    for importer, imported in graph.ours - house.exceptions.keys():
        rooms[house.room(importer)].add(house.room(imported))
    return {room: others - {room} for room, others in rooms.items()}


def floors(house: House) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yields number, name and rooms of each floor, from the top down."""
    listed = [*((floor.name, floor.rooms) for floor in house.floors)]
    listed += [("Kubeflow", (package,)) for package in house.outside]
    for number in range(len(listed), 0, -1):
        name, rooms = listed[number - 1]
        yield number, name, tuple(room for room in rooms if (ROOT / path_of(house, room)).exists())


def path_of(house: House, room: str) -> str:
    """Where a room's code is, relative to the repository; folders end in a slash."""
    if room == house.library:
        return f"{room}/__init__.py"
    inside = room if room in house.outside else f"{house.library}/{room}"
    return f"{inside}/" if (ROOT / inside).is_dir() else f"{inside}.py"


def holds(house: House, room: str) -> str:
    """First line of a room's docstring."""
    path = ROOT / path_of(house, room)
    source = path / "__init__.py" if path.is_dir() else path
    text = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8")))
    assert text, f"{source} has no docstring"
    return text.splitlines()[0]


def below(house: House, room: str, rooms: Mapping[str, set[str]]) -> list[str]:
    """Rooms that a room imports, without the ground floor's, nearest floor first."""
    ground = house.floors[0].rooms
    others = [other for other in rooms.get(room, ()) if other not in ground]
    return sorted(others, key=lambda other: (-(house.floor(other) or 0), other))


def plain(house: House) -> str:
    """The map for a terminal."""
    rooms = imported_rooms(house)
    lines = []
    for number, name, members in floors(house):
        lines += ["", f"{number}  {name}"]
        for room in members:
            lines.append(f"   {path_of(house, room):<24}{holds(house, room)}")
            if others := below(house, room, rooms):
                lines.append(f"   {'':<24}imports {', '.join(others)}")
    return "\n".join(lines[1:]) + "\n"


def table(house: House) -> str:
    """The map as a Markdown table."""
    rooms = imported_rooms(house)
    lines = ["| floor | room | what it holds | imports |", "|---|---|---|---|"]
    for number, name, members in floors(house):
        for index, room in enumerate(members):
            floor = "" if index else f"{number} {name}"
            cells = (floor, f"`{path_of(house, room)}`", holds(house, room))
            lines.append(f"| {' | '.join(cells)} | {', '.join(below(house, room, rooms))} |")
    return "\n".join(lines)


def drawn(house: House) -> list[str]:
    """Rooms with a box of their own in the picture: those above the ground floor."""
    members = [room for number, _, rooms in floors(house) if number > 1 for room in rooms]
    boxes = [room for room in members if room not in NOT_DRAWN]
    assert set(boxes) == set(COLUMNS), f"COLUMNS and rooms differ: {set(boxes) ^ set(COLUMNS)}"
    return boxes


def direct(house: House, rooms: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """Imports that no longer way through other rooms implies: the arrows of the picture."""

    def reached(room: str) -> set[str]:
        return {room}.union(*(reached(other) for other in below(house, room, rooms)))

    boxes = drawn(house)
    return [
        (room, other)
        for room in boxes
        for other in below(house, room, rooms)
        if other in boxes
        and not any(other in reached(way) for way in below(house, room, rooms) if way != other)
    ]


def centre(house: House, room: str) -> tuple[int, int]:
    """Middle of a room's box in the picture, pixels."""
    top = len(house.floors) + len(house.outside)
    row = top - (house.floor(room) or 0)
    return 280 + 200 * COLUMNS[room], TOP + STEP * row + STEP // 2


def picture(house: House) -> str:
    """The map as an SVG image, light or dark as the reader's browser asks."""
    height = TOP + STEP * (len(house.floors) + len(house.outside)) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}">',
        "  <title>Rooms and floors: imports go down only</title>",
        f"  <style>{STYLE}\n  </style>",
        '  <marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"'
        ' orient="auto"><path class="head" d="M0 0 8 4 0 8z"/></marker>',
        f'  <rect class="page" width="{WIDTH}" height="{height}"/>',
        '  <text class="floor" x="16" y="28">An arrow means "imports". Every room may import the'
        " ground floor. What a chain of arrows shows is not drawn again.</text>",
        *bands(house),
        *(arrow(house, *pair) for pair in direct(house, imported_rooms(house))),
        *(
            box(house, room)
            for _, _, members in floors(house)
            for room in members
            if room in COLUMNS
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def bands(house: House) -> Iterator[str]:
    """Yields one stripe a floor with its number and name; the ground floor lists its rooms."""
    for index, (number, name, members) in enumerate(floors(house)):
        y = TOP + STEP * index
        if number % 2:
            yield f'  <rect class="band" y="{y}" width="{WIDTH}" height="{STEP}"/>'
        yield f'  <text class="floor" x="16" y="{y + STEP // 2 + 5}">{number} {escape(name)}</text>'
        if number == 1:
            listed = escape(" · ".join(members))
            yield f'  <rect class="box" x="218" y="{y + 16}" width="524" height="32" rx="6"/>'
            yield f'  <text x="480" y="{y + STEP // 2 + 5}">{listed}</text>'


def arrow(house: House, importer: str, imported: str) -> str:
    """A line from the importing room down to the imported one."""
    (x1, y1), (x2, y2) = centre(house, importer), centre(house, imported)
    y1, y2 = y1 + BOX_HEIGHT // 2, y2 - BOX_HEIGHT // 2
    return (
        f'  <line class="arrow" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" marker-end="url(#head)"/>'
    )


def box(house: House, room: str) -> str:
    """A room's box with its name."""
    x, y = centre(house, room)
    kind = "around" if room in house.outside else "box"
    return (
        f'  <rect class="{kind}" x="{x - BOX_WIDTH // 2}" y="{y - BOX_HEIGHT // 2}"'
        f' width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
        f'<text x="{x}" y="{y + 5}">{escape(room)}</text>'
    )


def page(house: House, text: str) -> str:
    """The documentation page `text` with its map written anew."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{table(house)}\n\n{END}{tail}"


def main(root: Path = ROOT) -> None:
    """Prints the map and writes it into the documentation."""
    sys.stdout.write(plain(MTLSER))
    (root / PICTURE).write_text(picture(MTLSER), encoding="utf-8")
    written = page(MTLSER, (root / PAGE).read_text(encoding="utf-8"))
    (root / PAGE).write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
