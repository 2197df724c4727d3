"""The graph of a page: nodes are the names of the forward, edges the equations. Backward, the arrows are turned."""

import ast
import itertools
from dataclasses import dataclass, field
from html import escape

from minireid.reading.page import Function, Page
from minireid.reading.place import Followed

ACROSS, DOWN, WIDTH, HEIGHT = 112, 62, 64, 40  # pixels between ranks, between nodes; of a node

TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" '
    'markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z"/></marker></defs>'
)


@dataclass
class Node:
    """A name. parameters: those that enter it. place, gradient: numbers of the places with its value and gradient."""

    name: str
    parameters: list[str] = field(default_factory=list)
    place: int = -1
    gradient: int = -1
    rank: int = 0
    slot: float = 0.0


@dataclass
class Edge:
    """source is read to compute target, in these lines. back: it comes from an earlier round of the loop."""

    source: str
    target: str
    lines: list[int]
    tags: list[str]
    back: bool = False
    way: list[str] = field(default_factory=list)  # the nodes without a name that it passes


def graph(page: Page, followed: Followed) -> str:
    """The SVG; empty where there is nothing to draw."""
    function = main_function(page)
    if function is None:
        return ""
    nodes, edges = nodes_and_edges(function, followed)
    if len(edges) < 2:
        return ""
    rank(nodes, edges)
    place_in_ranks(nodes, edges)
    return svg(nodes, edges, followed)


def main_function(page: Page) -> Function | None:
    """The function of the forward with the most equations."""
    forward = [f for f in page.functions if f.side == "forward"]
    best = max(forward, key=lambda f: sum(len(line.tags) for line in f.lines), default=None)
    return best if best is not None and any(line.tags for line in best.lines) else None


def nodes_and_edges(function: Function, followed: Followed) -> tuple[dict[str, Node], list[Edge]]:
    lines = {line.number: line for line in function.lines}
    returned = names_returned(function)
    live = {(p.name, p.line) for p in followed.places if p.kind == "use" and p.live}
    nodes: dict[str, Node] = {}
    edges: dict[tuple[str, str], Edge] = {}
    born: dict[str, int] = {}
    for target, source, number in followed.reads:
        if number not in lines or (source, number) not in live or target == "_":
            continue
        node = nodes.setdefault(target, Node(target))
        born.setdefault(target, number)
        if "." in source:  # p.Wz: one of many parameters
            if source not in node.parameters:
                node.parameters.append(source)
            continue
        if source == target:
            continue
        nodes.setdefault(source, Node(source))
        edge = edges.setdefault((source, target), Edge(source, target, [], []))
        if number not in edge.lines:
            edge.lines.append(number)
            edge.tags += [tag for tag in lines[number].tags if tag not in edge.tags]
    for edge in edges.values():
        edge.back = born.get(edge.source, 0) > min(edge.lines)
    for place in followed.places:
        if place.kind in ("name", "argument") and place.side == "forward" and place.function == function.name:
            if place.name in nodes:
                nodes[place.name].place = place.number
        if place.side == "backward" and place.claim and place.kind in ("name", "argument"):
            name = returned.get(place.claim[0], place.claim[0])
            if place.claim[1] == function.name and name in nodes:
                nodes[name].gradient = place.number
    joined = {name for edge in edges.values() for name in (edge.source, edge.target)}
    return {name: node for name, node in nodes.items() if name in joined}, list(edges.values())


def names_returned(function: Function) -> dict[str, str]:
    """ "returned 0" -> h for `return h, cache`."""
    found = {}
    for node in ast.walk(function.node):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            for n, element in enumerate(node.value.elts):
                if isinstance(element, ast.Name):
                    found[f"returned {n}"] = element.id
    return found


def rank(nodes: dict[str, Node], edges: list[Edge]) -> None:
    """The rank of a node: the longest way that leads to it."""
    forward = [e for e in edges if not e.back]
    for _ in nodes:
        for edge in forward:
            nodes[edge.target].rank = max(nodes[edge.target].rank, nodes[edge.source].rank + 1)
    for edge in forward:  # a long edge passes nodes without a name, so that it goes around the others
        for r in range(nodes[edge.source].rank + 1, nodes[edge.target].rank):
            name = f"{edge.source}>{edge.target}>{r}"
            nodes[name] = Node("", rank=r)
            edge.way.append(name)


def place_in_ranks(nodes: dict[str, Node], edges: list[Edge]) -> None:
    """Order the nodes of each rank by the mean of their neighbours, some times there and back."""
    near: dict[str, list[str]] = {name: [] for name in nodes}
    for edge in edges:
        chain = [edge.source, *edge.way, edge.target]
        for a, b in itertools.pairwise(chain) if not edge.back else ():
            near[a].append(b)
            near[b].append(a)
    ranks: dict[int, list[str]] = {}
    for name, node in nodes.items():
        ranks.setdefault(node.rank, []).append(name)
    for names in ranks.values():
        for n, name in enumerate(names):
            nodes[name].slot = n
    order = sorted(ranks)
    for sweep in range(6):
        for r in order if sweep % 2 == 0 else order[::-1]:
            side = -1 if sweep % 2 == 0 else 1
            wanted = {}
            for name in ranks[r]:
                others = [nodes[o].slot for o in near[name] if nodes[o].rank == r + side]
                wanted[name] = sum(others) / len(others) if others else nodes[name].slot
            ranks[r].sort(key=lambda name: wanted[name])
            middle = sum(wanted.values()) / len(wanted)
            for n, name in enumerate(ranks[r]):
                nodes[name].slot = n + middle - (len(ranks[r]) - 1) / 2
    low = min(node.slot for node in nodes.values())
    for node in nodes.values():
        node.slot -= low


def svg(nodes: dict[str, Node], edges: list[Edge], followed: Followed) -> str:
    width = max(n.rank for n in nodes.values()) * ACROSS + WIDTH + 30
    height = round(max(n.slot for n in nodes.values()) * DOWN + HEIGHT + 62)
    words = "; ".join(f"{e.target} from {e.source} ({', '.join(e.tags)})" for e in edges)
    parts = [path(e, nodes, height) for e in edges] + labels(nodes, edges)
    parts += [box(node, followed) for node in nodes.values() if node.name]
    return (
        f'<svg class="graph" viewBox="0 0 {width} {height}" style="min-width:{round(0.62 * width)}px;'
        f'max-width:{width}px" role="img" aria-label="Graph of the forward: {escape(words)}">'
        f"{TIP}{''.join(parts)}</svg>"
    )


def at(node: Node) -> tuple[float, float]:
    return 15 + node.rank * ACROSS + WIDTH / 2, 24 + node.slot * DOWN + HEIGHT / 2


def path(edge: Edge, nodes: dict[str, Node], height: int) -> str:
    """An arrow through its way."""
    (x, y), *middle, (x2, y2) = [at(nodes[n]) for n in [edge.source, *edge.way, edge.target]]
    if edge.back:
        down = height - 14
        line = f"M{x:.0f} {y + HEIGHT / 2:.0f}C{x:.0f} {down} {x2:.0f} {down} {x2:.0f} {y2 + HEIGHT / 2 + 4:.0f}"
    else:
        points = [(x + WIDTH / 2, y), *middle, (x2 - WIDTH / 2 - 1, y2)]
        line = f"M{points[0][0]:.0f} {points[0][1]:.0f}"
        for (ax, ay), (bx, by) in itertools.pairwise(points):
            half = (bx - ax) / 2
            line += f"C{ax + half:.0f} {ay:.0f} {bx - half:.0f} {by:.0f} {bx:.0f} {by:.0f}"
    kind = "edge back" if edge.back else "edge"
    numbers = " ".join(map(str, edge.lines))
    return f'<g class="{kind}" data-lines="{numbers}" data-q="{" ".join(edge.tags)}"><path d="{line}"/></g>'


def labels(nodes: dict[str, Node], edges: list[Edge]) -> list[str]:
    """The equations of the arrows that enter a node stand once, above their tips."""
    found = []
    for name, node in nodes.items():
        tags = dict.fromkeys(tag for e in edges if e.target == name for tag in e.tags)
        if tags:
            x, y = at(node)
            found.append(
                f'<text class="small" x="{x:.0f}" y="{y - HEIGHT / 2 - 4:.0f}">{escape(" ".join(tags))}</text>'
            )
    return found


def box(node: Node, followed: Followed) -> str:
    """A node: its name, below it its parameters; its gradient's name takes its place when the arrows are turned."""
    x, y = at(node)
    gradient = followed.places[node.gradient].label if node.gradient >= 0 else f"d{node.name}"
    below = ", ".join(p.partition(".")[2] for p in node.parameters)
    small = f'<text class="small" x="{x:.0f}" y="{y + HEIGHT / 2 + 11:.0f}">{escape(below)}</text>' if below else ""
    return (
        f'<g class="node" data-f="{node.place}" data-b="{node.gradient}"><rect x="{x - WIDTH / 2:.0f}" '
        f'y="{y - HEIGHT / 2:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text class="fwd" x="{x:.0f}" y="{y - 5:.0f}">{escape(node.name)}</text>'
        f'<text class="bwd" x="{x:.0f}" y="{y - 5:.0f}">{escape(gradient)}</text>'
        f'<g class="mini" transform="translate({x - WIDTH / 2 + 4:.0f} {y:.0f})"></g>{small}</g>'
    )
