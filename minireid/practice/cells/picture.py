"""The picture of a definition: which name uses which, as SVG or PNG."""

from pathlib import Path

from minireid.base.errors import InputError
from minireid.base.files import check_target
from minireid.practice.cells.definition import Definition, used_by
from minireid.practice.cells.student import headline, page


def save_picture(definition: Definition, path: Path) -> None:
    """Boxes are names; an arrow leads from a name to the equation that uses it. Parameters stand small in the box.

    InputError unless `path` ends in .svg or .png and its folder exists.
    """
    if path.suffix not in (".svg", ".png"):
        raise InputError(f"expected --picture to end in .svg or .png, got {path}")
    check_target(path, path.suffix, option="--picture")
    from minireid.plots import style
    from minireid.plots.uses import save_svg

    figure = draw(definition)
    if path.suffix == ".svg":
        save_svg(figure, path, title=headline(definition), text=page(definition))
    else:
        style.save(figure, path)


def draw(definition: Definition):
    """The figure."""
    from minireid.plots.uses import uses_graph

    given = [*definition.inputs, *definition.given]
    every = used_by(definition)
    uses = {name: [used for used in names if used in given or used in every] for name, names in every.items()}
    below = {name: " ".join(used for used in names if used in definition.params) for name, names in every.items()}
    return uses_graph(uses, given, definition.outputs, below, headline(definition))
