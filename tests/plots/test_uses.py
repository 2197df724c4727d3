"""The picture of equations: each box right of what it uses, no arrow behind a box."""

import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from minireid.plots import uses
from minireid.practice.cells.definition import Definition, used_by
from minireid.practice.cells.picture import draw
from minireid.practice.cells.student import definition_of

USES = {"az": ["x", "h"], "z": ["az"], "g": ["x"], "y": ["z", "g", "h"]}


def test_columns_go_from_left_to_right() -> None:
    assert uses.columns_of(USES, ["x", "h"]) == {"x": 0, "h": 0, "az": 1, "z": 2, "g": 1, "y": 3}
    assert uses.columns_of({"a": ["x"], "b": ["a", "k"]}, ["x", "k"]) == {"x": 0, "k": 1, "a": 1, "b": 2}


def test_a_use_over_several_columns_has_a_lane_in_each() -> None:
    ways = uses.ways_of(USES, uses.columns_of(USES, ["x", "h"]))
    assert [("h", 0), ("h", 1), ("h", 2), ("y", 3)] in ways
    assert [("az", 1), ("z", 2)] in ways and len(ways) == 7


def drawn(number: int) -> Definition:
    return definition_of(f"picture {number}", kind="cell" if number % 2 else "loss")


def test_every_name_is_a_box_and_every_use_an_arrow() -> None:
    for definition in map(drawn, range(20)):
        axes = draw(definition).axes[0]
        boxes = [patch for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
        arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
        names = {*definition.inputs, *definition.given, *(e.name for e in definition.equations)}
        assert len(boxes) == len(names) and {text.get_text() for text in axes.texts} >= names
        used = [name for several in used_by(definition).values() for name in several]
        assert len(arrows) == sum(name not in definition.params for name in used)
        (x0, x1), (y1, y0) = axes.get_xlim(), axes.get_ylim()
        for box in boxes:
            assert x0 < box.get_x() and box.get_x() + box.get_width() < x1
            assert y0 < box.get_y() and box.get_y() + box.get_height() < y1


def test_no_arrow_runs_behind_a_box_and_no_box_behind_another() -> None:
    for definition in map(drawn, range(60)):
        given = [*definition.inputs, *definition.given]
        names = {name: [n for n in used if n not in definition.params] for name, used in used_by(definition).items()}
        column = uses.columns_of(names, given)
        ways = uses.ways_of(names, column)
        place = uses.places(column, ways)
        middles = np.array([place[node] for node in column.items()])
        apart = np.abs(middles[:, None] - middles) > (uses.WIDTH, uses.HEIGHT)
        assert (apart.any(axis=2) | np.eye(len(middles), dtype=bool)).all()
        for way in ways:
            points = (
                uses.line_through([place[node] for node in way]).cleaned(curves=False).interpolated(9).vertices[:-9]
            )
            inside = np.abs(points[:, None] - middles) < (uses.WIDTH / 2 - 1e-6, uses.HEIGHT / 2)
            assert not inside.all(axis=2).any(), (definition.title, way)


def test_a_long_title_is_broken() -> None:
    figure = uses.uses_graph({"y": ["x"]}, ["x"], ["y"], {"y": "W"}, "many words " * 20)
    (title,) = (text for text in figure.axes[0].texts if text.get_text().startswith("many"))
    renderer = figure.canvas.get_renderer()
    assert "\n" in title.get_text() and title.get_window_extent(renderer).x1 < figure.bbox.x1
    y = [text.get_window_extent(renderer) for text in figure.axes[0].texts]
    assert y[0].y0 > max(extent.y1 for extent in y[1:]) and np.isfinite(y[0].y0)
