"""The picture of a network: its numbers are the network's, and its branches are the true ones."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from minireid import networks
from minireid.base.trees import leaves
from minireid.commands.read_clip import FRAMES, real_clip
from minireid.reading.architecture import anchor, architecture, recipe_of, shape_in_words, style
from minireid.reading.architecture_pictures import CLEAR, coloured, frames_in_colour, palette, picture_of, some_frames
from minireid.reading.architecture_plan import places
from minireid.reading.architecture_run import run
from minireid.training import model as models
from minireid.training.trace import Watcher, other_flops, own_parameters
from minireid.training.ways import DEFINITION

VOID = {"img", "rect", "path", "meta", "br"}


def clip_for(name: str) -> np.ndarray:
    clips = recipe_of(name).clips
    return real_clip(*clips.crop, clips.flow)


def page(name: str) -> str:
    return architecture(name, clip_for(name), lambda layer: None if layer == "gru" else f"{layer}.html")


class Page(HTMLParser):
    """Elements, their nesting, and the text of each block."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.blocks: dict[str, str] = {}
        self.block = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [found["href"] or ""] if "href" in found else []
        if tag == "img":
            self.images.append(found)
        if tag == "li":
            self.block = found["id"] or ""
            self.blocks[self.block] = ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "li" in self.open:
            self.blocks[self.block] += data + " "


@pytest.mark.parametrize("name", networks.NAMES)
def test_every_network_has_its_picture(name: str) -> None:
    html = page(name)
    assert html.startswith('<section class="architecture"') and html.endswith("</section>")
    assert len(html) < 400_000 and "http" not in html
    read = Page(html)
    assert len(read.ids) == len(set(read.ids))
    for link in read.links:
        assert link.removeprefix("#") in read.ids if link.startswith("#") else link.endswith(".html")
    assert len(read.images) == len(read.blocks)  # two of the input, none of the embedding
    for image in read.images:
        assert image["alt"] and len(image["alt"]) > 20
        source = (image["src"] or "").removeprefix("data:image/png;base64,")
        with Image.open(io.BytesIO(base64.b64decode(source))) as picture:
            assert [str(size) for size in picture.size] == [image["width"], image["height"]]


@pytest.mark.parametrize("name", networks.NAMES)
def test_the_numbers_are_those_of_the_network(name: str) -> None:
    clip = clip_for(name)
    T = len(clip)
    recipe = recipe_of(name)
    p = models.init(recipe, 2)["network"]
    watcher = Watcher()
    model = models.model_of(recipe, watcher.counting(DEFINITION))
    embeddings, _ = model.network.forward(clip[None], p, watch=watcher, **model.settings)
    html = page(name)
    blocks = Page(html).blocks
    assert len(blocks) == len(watcher.rows) + 2
    total = 0.0
    for block, row in watcher.rows.items():
        own, said = own_parameters(p, block), blocks[anchor(block)]
        flops = row["flops"] / T + other_flops(own, row["shape"], T)
        total += flops
        size = sum(array.size for array in own.values())
        assert f"result {shape_in_words(row['array'].shape)} " in said
        assert f"parameters {size:,} " in said if size else "parameters none " in said
        assert f"MFLOPs per frame {flops / 1e6:.3f} " in said if flops else "MFLOPs per frame 0 " in said
    levels = model.network.FACTS.levels or embeddings
    embedding = sum(embeddings[level].shape[1] for level in levels)
    numbers = re.findall(r"<b>([\d,.]+)</b>", html)
    assert numbers == [f"{sum(a.size for _, a in leaves(p)):,}", f"{total / 1e6:.3f}", str(embedding)]


@pytest.mark.parametrize("name", networks.NAMES)
def test_every_block_reads_something_and_the_embedding_depends_on_all(name: str) -> None:
    made = run(name, clip_for(name))
    assert all(block.reads for block in made.blocks)
    read = {name for block in made.blocks for name in block.reads} | {block for block, _ in made.levels.values()}
    assert {block.name for block in made.blocks} <= read


def reads(name: str) -> dict[str, list[str]]:
    return {block.name: list(block.reads) for block in run(name, clip_for(name)).blocks}


def test_branches_of_the_main_network() -> None:
    found = reads("msp_src")
    assert found["conv1"] == ["input"] and found["conv2"] == ["conv1"]
    assert found["low.mean"] == found["high.conv3"] == ["conv2"]
    assert found["low.linear"] == ["low.pool"] and found["high.pool"] == ["high.unit1"]
    assert run("msp_src", clip_for("msp_src")).levels == {"low": ("low.linear", 128), "high": ("high.pool", 128)}
    said = Page(page("msp_src")).blocks
    assert " reads  conv2 " in said["block-low-mean"] and " reads  conv2 " in said["block-high-conv3"]


def test_sums_halves_and_results_side_by_side() -> None:
    assert reads("crf")["clip"] == ["spatial", "temporal"]
    parts = {block.name: block for block in run("crf_parts", clip_for("crf_parts")).blocks}
    assert parts["whole.conv1"].reads == {"input": ""}
    assert parts["upper.conv1"].reads == {"input": "rows 1 to 32"}
    assert parts["lower.conv1"].reads == {"input": "rows 33 to 64"}
    assert list(parts["lower.clip"].reads) == ["lower.spatial", "lower.temporal"]
    assert list(parts["fusion"].reads) == ["whole.clip", "upper.clip", "lower.clip"]
    found = reads("deep_rcn")
    assert found["level2"] == ["conv2", "level1 halved"] and found["level3"] == ["conv3", "level2 halved"]
    assert found["clip"] == ["level1 grid", "level2 grid", "level3 grid"]
    assert reads("deep_rcn_independent")["level2"] == ["conv2"]


def test_a_layer_is_a_link_where_it_has_a_page() -> None:
    html = page("msp_src")
    assert '<a href="conv_block.html">conv_block</a>' in html and '<a href="temporal_mean.html">' in html
    assert "<code>gru</code>" in html and "gru.html" not in html
    assert "conv_block_fused" not in html and "SimpleNamespace" not in html


@pytest.mark.parametrize("name", networks.NAMES)
def test_no_two_blocks_share_a_place_and_all_stand_below_what_they_read(name: str) -> None:
    made = run(name, clip_for(name))
    known = {"input": [], **{block.name: list(block.reads) for block in made.blocks}}
    known["embedding"] = [block for block, _ in made.levels.values()]
    found = places(known)
    taken = [(place.row, column) for place in found.values() for column in (range(3) if place.wide else [place.column])]
    assert len(taken) == len(set(taken))
    assert all(found[r].row < found[name].row for name in known for r in known[name])
    assert found["input"].wide and found["embedding"].wide


def test_branches_lie_side_by_side() -> None:
    found = places({"input": [], "a": ["input"], "b": ["a"], "c": ["a"], "d": ["c"], "end": ["b", "d"]})
    assert found["b"].row == found["c"].row and found["b"].column != found["c"].column
    assert found["d"].column == found["c"].column and not found["d"].wide
    assert found["a"].wide and found["end"].wide


def test_the_network_still_runs_as_before() -> None:
    from minireid.networks.running import Forward

    before = Forward.__call__, Forward.per_frame
    page("src")
    assert (Forward.__call__, Forward.per_frame) == before


def test_colours_are_symmetric_about_white() -> None:
    numbers, scale = coloured(np.array([-2.0, -1.0, 0.0, 1.0, 2.0]))
    assert numbers.tolist() == [0, 64, 127, 190, 254] and scale == (2.0, True, False)
    colours = np.array(palette()).reshape(-1, 3)
    assert len(colours) == CLEAR + 1 and colours[127].tolist() == [255, 255, 255]
    assert colours[0].tolist() == [0, 114, 178] and colours[254].tolist() == [213, 94, 0]
    extreme = np.append(np.ones(1000), 50.0)
    assert coloured(extreme)[1] == (1.0, False, True)
    assert coloured(np.zeros(4))[1] == (0.0, False, False)


def test_pictures_say_what_rows_and_columns_are() -> None:
    assert some_frames(8) == [0, 2, 5, 7] and some_frames(1) == [0] and some_frames(3) == [0, 1, 2]
    over_time = picture_of(np.ones((1, 8, 4, 2, 16), np.float32))
    assert over_time.caption == "Rows: frames 1, 3, 6 and 8. Columns: channels 1 to 8 of 16."
    assert picture_of(np.ones((1, 4, 2, 3))).caption == "One map for the clip. Columns: channels 1 to 3."
    assert picture_of(np.ones((1, 8, 5))).caption == "Rows: frames 1 to 8. Columns: features 1 to 5."
    assert picture_of(np.ones((1, 5))).caption == "From left to right: features 1 to 5."


def test_the_clip_is_a_walker_and_always_the_same() -> None:
    clip = real_clip(64, 32, True)
    assert clip.shape == (FRAMES, 64, 32, 5) and clip.dtype == np.float32
    np.testing.assert_array_equal(clip, real_clip(64, 32, True))
    np.testing.assert_allclose(clip[..., :3], real_clip(64, 32, False), atol=1e-4)
    np.testing.assert_allclose(clip.mean(axis=(1, 2)), 0, atol=1e-4)
    assert (clip.std(axis=(1, 2)) > 0.99).all()  # no frame without flow
    assert frames_in_colour(clip).std() > 30


def test_the_style_names_no_colour_of_the_page() -> None:
    css = style()
    assert len(css.splitlines()) <= 60
    assert set(re.findall(r"var\((--\w+)\)", css)) <= {
        "--text",
        "--page",
        "--soft",
        "--line",
        "--link",
        "--row",
        "--column",
        "--columns",
    }
