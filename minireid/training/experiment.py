"""What a run computes with, in one piece: recipe, data, training persons, model."""

from dataclasses import dataclass

from minireid.base.errors import InputError
from minireid.data import sampling
from minireid.data.prepared import Prepared
from minireid.recipes.schema import Recipe
from minireid.training.model import Model, model_of
from minireid.training.ways import Way, fast


@dataclass(frozen=True)
class Experiment:
    """people: the training persons and their tracks. way: how layers are computed and images are read."""

    recipe: Recipe
    prepared: Prepared
    people: sampling.People
    model: Model
    way: Way

    @property
    def steps_per_epoch(self) -> int:
        return max(1, len(self.people.persons) // self.recipe.pairs.persons)

    @property
    def steps(self) -> int:
        return self.steps_per_epoch * self.recipe.training.epochs


def experiment_of(recipe: Recipe, prepared: Prepared, persons: tuple[int, ...], way: Way | None = None) -> Experiment:
    """An experiment with the persons who have two tracks of `clips.length` frames or more. way=None: fast.

    Raises InputError where they are too few for a step.
    """
    people = sampling.people(prepared, persons, at_least=recipe.clips.length)
    needed = max(2, recipe.pairs.persons)
    if len(people.persons) < needed:
        where = "in both cameras" if prepared.one_to_one else "in each of two tracks"
        raise InputError(
            f"expected at least {needed} training persons with {recipe.clips.length} frames {where}, got "
            f"{len(people.persons)} of {len(persons)}: lower clips.length or pairs.persons"
        )
    way = way or fast()
    return Experiment(recipe, prepared, people, model_of(recipe, way), way)
