"""How long a sweep will take on this machine, estimated from two steps and two tracks of each row."""

from collections.abc import Sequence

from minireid.base.errors import InputError
from minireid.base.threads import threads as with_threads
from minireid.base.trees import Tree
from minireid.data import splits
from minireid.data.prepared import Prepared
from minireid.evaluation import embedding
from minireid.evaluation.comparison import comparison
from minireid.experiments.folder import Sweep, Trial
from minireid.experiments.start import split_of
from minireid.recipes.schema import Recipe
from minireid.training import batches, estimate, model
from minireid.training.experiment import experiment_of
from minireid.training.step import gradients_at


def forecast(sweep: Sweep, trials: Sequence[Trial], workers: int, threads: int) -> str:
    """Lines: the time for each row's trials, and for all. threads: of a trial; workers: trials at the same time."""
    lines, seconds = [], []
    for row in sweep.rows:
        numbers = [trial for trial in trials if trial.row == row.folder]
        if not numbers:
            continue
        try:
            with with_threads(threads):
                each = seconds_of_trial(row.recipe, sweep, numbers[0].split)
        except InputError as fault:
            lines.append(f"  {row.folder}: cannot be trained: {fault}")
            continue
        seconds += [each] * len(numbers)
        lines.append(f"  {row.folder}: {counted(len(numbers), 'trial')}, {estimate.duration(each)} each")
    if seconds:
        whole = max(sum(seconds) / workers, max(seconds))
        lines.append(f"about {estimate.duration(whole)} in all, on workers as fast as this machine")
    return "\n".join(lines)


def seconds_of_trial(recipe: Recipe, sweep: Sweep, number: int) -> float:
    """To train and evaluate one trial. InputError if the recipe does not fit the data."""
    prepared = sweep.prepared()
    batches.check_fits(recipe, prepared)
    split = split_of(recipe, prepared, sweep.splits_file, number)
    training, validation = splits.hold_out(split, prepared, recipe.validation.persons)
    experiment = experiment_of(recipe, prepared, training)
    params = model.init(recipe, len(experiment.people.persons))
    gradients_at(experiment, params, 0)  # compiles
    seconds = estimate.seconds_of(gradients_at, experiment, params, 0) * experiment.steps
    frames = frames_of(recipe, prepared, split.test)
    if validation:
        frames += frames_of(recipe, prepared, validation) * (recipe.training.epochs // recipe.validation.every)
    return seconds + seconds_per_frame(recipe, prepared, params, split.test) * frames


def frames_of(recipe: Recipe, prepared: Prepared, persons: tuple[int, ...]) -> int:
    """How many frames are read to evaluate these persons."""
    compared = comparison(recipe, prepared, persons)
    return sum(clip.length for clip in compared.probe + compared.gallery)


def seconds_per_frame(recipe: Recipe, prepared: Prepared, params: Tree, persons: tuple[int, ...]) -> float:
    """To embed one frame in all views, measured on two clips of medium length."""
    compared = comparison(recipe, prepared, persons)
    clips = sorted(compared.probe + compared.gallery, key=lambda clip: clip.length)
    two = clips[len(clips) // 2 - 1 : len(clips) // 2 + 1]
    seconds = estimate.seconds_of(embedding.embed_clips, recipe, params, prepared, two)
    return seconds / sum(clip.length for clip in two)


def counted(number: int, word: str) -> str:
    """3, "trial" -> "3 trials"."""
    return f"{number} {word}{'' if number == 1 else 's'}"
