"""The picture of a network for its page: every block with what it made of one real clip."""

from collections.abc import Callable
from html import escape
from importlib import resources

import numpy as np

from minireid.reading.architecture_pictures import channels_html, colour_html, listed, picture_html, picture_of
from minireid.reading.architecture_plan import Place, Reads, places, plan
from minireid.reading.architecture_run import INPUT, Block, Run, recipe_of, run

__all__ = ["architecture", "recipe_of", "style"]

EMBEDDING = "embedding"
Linked = Callable[[str], str | None]


def architecture(name: str, clip: np.ndarray, linked: Linked) -> str:
    """An HTML fragment: the network (one of minireid.networks.NAMES) run on one clip (T, H, W, C), float32.

    linked("gru") is the address of a layer's page, None where there is none. The page needs `style()`.
    """
    made = run(name, clip)
    reads: Reads = {INPUT: [], **{block.name: list(block.reads) for block in made.blocks}}
    reads[EMBEDDING] = [block for block, _ in made.levels.values()]
    found = places(reads)
    columns = 1 + max(place.column for place in found.values())
    items = [input_item(clip), *(block_item(block, linked) for block in made.blocks), embedding_item(made)]
    blocks = [item(block, found, reads, content) for block, content in zip(reads, items)]
    return (
        '<section class="architecture" aria-labelledby="architecture">'
        '<h2 id="architecture">The network on a real clip</h2>'
        f"{introduction(name, made, clip)}"
        f"<figure>{plan(reads, found)}<figcaption>The plan. A line leads down from a block to one that reads it."
        "</figcaption></figure>"
        f'<ol role="list" style="--columns: {columns}">{"".join(blocks)}</ol></section>'
    )


def style() -> str:
    """The CSS of the fragment. It uses the page's --text, --page, --soft, --line and --link."""
    return (resources.files("minireid") / "reading" / "architecture.css").read_text(encoding="utf-8")


def introduction(name: str, made: Run, clip: np.ndarray) -> str:
    total = sum(block.parameters for block in made.blocks)
    flops = sum(block.flops for block in made.blocks)
    T, H, W, _ = clip.shape
    return (
        f"<p>One clip of {T} frames, {H} × {W} pixels, runs through {escape(name)}, with the settings of the recipe "
        f"{escape(made.recipe)}. Each block shows what it made of the clip. This is before training: parameters drawn "
        "with seed 0, no dropout. So the pictures show what a layer does to maps and sequences, not what a trained "
        "network looks for.</p>"
        f"<p>In all: <b>{total:,}</b> parameters, <b>{megaflops(flops)}</b> MFLOPs per frame, an embedding of "
        f"<b>{sum(size for _, size in made.levels.values())}</b> numbers. MFLOPs count the products with parameters, "
        "two for each multiply-add. Pools, sums and activations are not counted.</p>"
    )


# One block: <li>.


def item(name: str, found: dict[str, Place], reads: Reads, content: str) -> str:
    """The block at its place. Arrows: where it reads the block above (wide screens), or before it (narrow ones)."""
    place, before = found[name], list(reads)[: list(reads).index(name)][-1:]
    above = [r for r in reads[name] if found[r].row == place.row - 1]
    joined = any(place.wide or found[r].wide or found[r].column == place.column for r in above)
    classes = [word for word, yes in (("under", joined), ("after", before and before[0] in reads[name])) if yes]
    column = "1 / -1" if place.wide else str(place.column + 1)
    return (
        f'<li id="{anchor(name)}" class="{" ".join(["wide"] * place.wide + classes)}" '
        f'style="--row: {place.row + 1}; --column: {column}"><div><h3>{escape(name)}</h3>{content}</li>'
    )


def input_item(clip: np.ndarray) -> str:
    return f"{facts([('clip', shape_in_words((1, *clip.shape)))])}{colour_html(clip)}</div>{channels_html(clip)}"


def block_item(block: Block, linked: Linked) -> str:
    reading = listed([link_to(name) + (f" ({part})" if part else "") for name, part in block.reads.items()])
    rows = [
        ("result", shape_in_words(block.result.shape)),
        ("parameters", f"{block.parameters:,}" if block.parameters else "none"),
        ("MFLOPs per frame", megaflops(block.flops)),
    ]
    reads = f'<p class="reads">reads {reading}</p>'
    said = reads + layer_line(block, linked) + facts(rows)
    return f"{said}</div>{picture_html(block.name, picture_of(block.result))}"


def layer_line(block: Block, linked: Linked) -> str:
    """The layer's page and what it says first; or what a line on the network's own page does."""
    if block.layer is None:
        what = "Each input times a matrix of its own, then their sum" if block.parameters else "The sum of its inputs"
        return f'<p class="layer">{what}: a line on this network’s page.</p>'
    page = block.layer.__name__.rpartition(".")[2]
    address = linked(page)
    name = f'<a href="{escape(address, quote=True)}">{page}</a>' if address else f"<code>{page}</code>"
    first = " ".join((block.layer.__doc__ or "").partition("\n\n")[0].split()).replace("*", "")
    return f'<p class="layer">{name}. {escape(first)}</p>'


def embedding_item(made: Run) -> str:
    levels = listed([link_to(block) for block, _ in made.levels.values()])
    sizes = [(level, f"{size} numbers") for level, (_, size) in made.levels.items()]
    side = ", side by side" if len(sizes) > 1 else ""
    return f'<p class="reads">reads {levels}</p><p class="layer">What describes the clip{side}.</p>{facts(sizes)}</div>'


def facts(rows: list[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<div><dt>{escape(key)}</dt><dd>{value}</dd></div>" for key, value in rows) + "</dl>"


def link_to(name: str) -> str:
    return f'<a href="#{anchor(name)}">{escape(name)}</a>'


def anchor(name: str) -> str:
    return "block-" + name.replace(".", "-").replace(" ", "-")


def shape_in_words(shape: tuple[int, ...]) -> str:
    """(1, 8, 32, 16, 16) -> "8 frames × 32 high × 16 wide × 16 channels": the axes of one clip's result."""
    words = {5: ("frames", "high", "wide", "channels"), 4: ("high", "wide", "channels"), 3: ("frames", "features")}
    return " × ".join(f"{size} {word}" for size, word in zip(shape[1:], words.get(len(shape), ("features",))))


def megaflops(flops: float) -> str:
    return f"{flops / 1e6:.3f}" if flops else "0"
