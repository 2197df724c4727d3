"""The embedding of a person does not depend on who else is there: in the folder, before or after, or in the batch."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minireid import networks
from minireid.base.threads import threads
from minireid.cli import main
from minireid.data.prepared import Prepared, open_prepared
from minireid.networks.embedding import embed
from minireid.training import model
from minireid.training.ways import DEFINITION, Way, fast
from tests import small_data

PERSONS = (1, 2, 3, 4, 5, 6)
COMPANIES = [(3,), (6, 4, 3, 1)]
IN_ONE_BATCH = 2e-6  # of the largest number


def system(name: str) -> tuple[str, tuple[str, ...]]:
    """The recipe of a network, and the changes that make it this network on tiny people."""
    recipe = next(shipped for shipped in ("msp_src", "src", "crf", "deep_rcn", "utrcnn") if name.startswith(shipped))
    losses = small_data.DEEP_RCN if recipe == "deep_rcn" else ()
    return recipe, (*losses, f"network.name={name}", "evaluation.group=4", "evaluation.crops=1")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    path = tmp_path_factory.mktemp("data") / "prepared"
    return small_data.write_prepared(path, persons=PERSONS)


def folder_of(path: Path, prepared: Prepared, persons: tuple[int, ...]) -> Prepared:
    """A prepared folder of these persons alone, in this order."""
    tracks = [track for person in persons for track in prepared.tracks if track.person == person]
    path.mkdir(parents=True)
    np.save(path / "frames.npy", np.concatenate([prepared.frames[t.start : t.start + t.length] for t in tracks]))
    starts = np.cumsum([0, *(t.length for t in tracks)]).tolist()
    placed = [replace(track, start=start) for track, start in zip(tracks, starts)]
    small_data.write_index(path, placed, (small_data.HEIGHT, small_data.WIDTH), False, "walkers")
    assert open_prepared(path).index.sha256 == hashlib.sha256((path / "frames.npy").read_bytes()).hexdigest()
    return open_prepared(path)


def embedded(run: Path, folder: Prepared, out: Path) -> dict[tuple[int, str], bytes]:
    """{(person, camera): all views of the embedding}, by `minireid embed`."""
    assert main(["embed", str(run), str(folder.path), "--out", str(out), "--threads", "1"]) == 0
    with np.load(out) as saved:
        whose = zip(saved["person"].tolist(), saved["camera"].tolist())
        assert saved["embeddings"].dtype == np.float32 and np.isfinite(saved["embeddings"]).all()
        return {who: saved["embeddings"][:, k].tobytes() for k, who in enumerate(whose)}


@pytest.mark.parametrize("name", networks.NAMES)
def test_a_folder_of_others_changes_no_bit(name: str, prepared: Prepared, tmp_path: Path) -> None:
    recipe, changes = system(name)
    run = small_data.new_run(tmp_path / "run", prepared, *changes, name=recipe)
    small_data.train(run, stop_after=1)
    everybody = embedded(run.path, prepared, tmp_path / "all.npz")
    assert len(set(everybody.values())) == len(everybody) == 2 * len(PERSONS)
    for k, company in enumerate(COMPANIES):
        few = embedded(run.path, folder_of(tmp_path / str(k), prepared, company), tmp_path / f"{k}.npz")
        assert {person for person, _ in few} == set(company)
        assert few == {who: bits for who, bits in everybody.items() if who[0] in company}


@pytest.mark.parametrize("way", [fast(), DEFINITION], ids=["fast", "definition"])
@pytest.mark.parametrize("name", networks.NAMES)
def test_a_batch_of_others_changes_only_the_rounding(name: str, way: Way, rng: np.random.Generator) -> None:
    """Training reads clips together. BLAS sums in another order for another number of rows: bits may change, not more.
    The others here are as unlike as can be, and one is a hundred times brighter."""
    recipe, changes = system(name)
    recipe_here = small_data.recipe(*changes, name=recipe)
    found = model.model_of(recipe_here, way)
    params = model.init(recipe_here, 4)["network"]
    x = rng.normal(size=(6, 3, 16, 8, 3)).astype(np.float32)
    x[4] *= 100
    with threads(1):
        together = embed(found.network, x, params, **found.settings)
        for who in (0, 3, 5):
            alone = embed(found.network, x[who : who + 1], params, **found.settings)[0]
            assert np.abs(together[who] - alone).max() <= IN_ONE_BATCH * np.abs(alone).max()
            in_other_order = embed(found.network, x[::-1], params, **found.settings)[5 - who]
            assert np.abs(in_other_order - alone).max() <= IN_ONE_BATCH * np.abs(alone).max()
