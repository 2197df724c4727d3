"""The command line: a thin face. Every command parses its arguments and calls the library."""

import argparse
import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path

from minireid.errors import InputError


def main(argv: list[str] | None = None) -> int:
    """0: done; 1: a check found something wrong; 2: bad input (one line says what); 130: stopped with Ctrl-C."""
    arguments = parser().parse_args(argv)
    try:
        return arguments.command(arguments) or 0
    except InputError as fault:
        print(f"minireid: error: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("minireid: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output went away (| head)
        sys.stderr.close()
        return 1


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="minireid", description="Recognising people in video, line by line.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    demo = add(commands, "demo", run_demo, "walkers to report: the whole path, in a few minutes")
    demo.add_argument("--out", type=Path, default=Path("demo"), help="folder to write (default: demo)")
    demo.add_argument("--quick", action="store_true", help="a handful of people and steps: does everything work here?")
    demo.add_argument("--seed", type=int, default=0)
    add_threads(demo)

    train = add(commands, "train", run_train, "train a recipe on a prepared folder, or go on with a run")
    train.add_argument("prepared", type=Path, nargs="?", help="prepared folder (python -m data_tools.prepare)")
    train.add_argument("--recipe", help="name of a recipe, or path of a .toml file (default: msp_src)")
    train.add_argument("--out", type=Path, help="run folder to make")
    train.add_argument("--resume", type=Path, metavar="RUN", help="go on with this run, in place of a new one")
    train.add_argument("--split", type=int, help="number of the split (default: 0)")
    train.add_argument("--splits", type=Path, metavar="FILE", help="splits of one's own: [{train: [...], test: [...]}]")
    train.add_argument(
        "--plain", action="store_true", help="train with the layers' definitions: slower, same but for rounding"
    )
    add_set(train)
    add_threads(train)

    add_sweep(commands)

    evaluate = add(commands, "evaluate", run_evaluate, "CMC and mAP of runs, with plain baselines, pictures, report")
    evaluate.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    evaluate.add_argument("--out", type=Path, help="folder for tables, pictures and report (default: RUN/evaluation)")
    evaluate.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="evaluate otherwise: evaluation.frames=16"
    )
    add_threads(evaluate)

    metric = add(
        commands, "metric", run_metric, "metric learning on runs' embeddings: PCA, LFDA, KISSME, XQDA, re-ranking"
    )
    metric.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    metric.add_argument("--out", type=Path, help="folder for the tables (default: RUN/metric)")
    add_threads(metric)

    embed = add(commands, "embed", run_embed, "embeddings of every track of a prepared folder")
    embed.add_argument("run", type=Path)
    embed.add_argument("folder", type=Path, help="prepared folder")
    embed.add_argument("--out", type=Path, required=True, help=".npz file to write")
    add_threads(embed)

    search = add(commands, "search", run_search, "rank the tracks of GALLERY for every track of PROBE")
    search.add_argument("run", type=Path)
    search.add_argument("probe", type=Path, help="prepared folder")
    search.add_argument("gallery", type=Path, help="prepared folder")
    search.add_argument("--top", type=int, default=10)
    search.add_argument("--out", type=Path, required=True, help=".png picture to write")
    add_threads(search)

    trace = add(commands, "trace", run_trace, "one batch walked through a network, layer by layer")
    trace.add_argument("prepared", type=Path, nargs="?", help="prepared folder (default: random bytes)")
    trace.add_argument("--recipe", default="msp_src", help="name of a recipe, or path of a .toml file")
    trace.add_argument("--persons", type=int, default=100, help="classes, where there is no folder (default: 100)")
    add_set(trace)
    add_threads(trace)

    add_bench(commands)
    add_gradcheck(commands)
    add_zoo(commands)
    add_paper(commands)
    return top


def add_sweep(commands) -> None:
    sweep = add(commands, "sweep", run_sweep, "train and evaluate recipes x splits x seeds, on all cores or a cluster")
    sweep.add_argument("prepared", type=Path, help="prepared folder (python -m data_tools.prepare)")
    sweep.add_argument("--out", type=Path, required=True, help="sweep folder to make, or to go on with")
    sweep.add_argument(
        "--recipe", action="append", default=[], metavar="NAME", help="a row of the table; NAME,NAME too"
    )
    sweep.add_argument("--rows", metavar="FILE", help="sweep file: a name (systems), or the path of a .toml file")
    sweep.add_argument("--splits", type=int, metavar="N", help="the first N splits (default: 3, if there are so many)")
    sweep.add_argument("--splits-file", type=Path, metavar="FILE", help="splits of one's own, as for train --splits")
    sweep.add_argument("--seeds", type=int, default=1, metavar="N", help="the seeds 0 to N - 1 (default: 1)")
    sweep.add_argument("--protocols", metavar="NAME,NAME", help="every row under each (default: the recipe's own)")
    sweep.add_argument("--workers", type=int, metavar="N", help="default: one a core; 0: in this process; same bits")
    sweep.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, whose workers see the same files")
    add_set(sweep)

    table = add(commands, "table", run_table, "the table of a sweep: Markdown, CSV and CMC curves")
    table.add_argument("sweeps", type=Path, nargs="+", metavar="SWEEP")
    table.add_argument("--out", type=Path, help="folder to write (default: SWEEP)")


def add_bench(commands) -> None:
    bench = add(commands, "bench", run_bench, "how fast: layers and steps, against this machine's peak and PyTorch")
    bench.add_argument("--out", type=Path, metavar="FOLDER", help="folder for results.json and pictures")
    bench.add_argument("--rounds", type=int, default=9, help="rounds, in which all take turns (default: 9)")
    bench.add_argument("--quick", action="store_true", help="64 x 32 only, without growth and memory")
    bench.add_argument("--json", action="store_true", help="print data; the tables go to stderr")


def add_gradcheck(commands) -> None:
    gradcheck = add(commands, "gradcheck", run_gradcheck, "check every derivative, or a file of your own")
    gradcheck.add_argument(
        "names", nargs="*", metavar="NAME", help="only these (gru, msp_src …); or FILE.py with --like"
    )
    gradcheck.add_argument(
        "--like", metavar="NAME", help="check FILE.py's functions, written to the signature of NAME's"
    )
    gradcheck.add_argument("--seed", type=int, default=0)
    gradcheck.add_argument("--json", action="store_true", help="print data in place of text")
    gradcheck.add_argument("--plot", type=Path, metavar="PNG", help="with --like: picture of the worst wrong gradient")
    gradcheck.add_argument(
        "--time-limit", type=float, default=120, metavar="SECONDS", help="with --like (default: 120)"
    )


def add_zoo(commands) -> None:
    zoo = add(commands, "zoo", run_zoo, "wrong backward passes to find the mistake in")
    zoo.add_argument("action", nargs="?", choices=("show", "hint", "solve"), help="default: list them all")
    zoo.add_argument("number", type=int, nargs="?")
    zoo.add_argument("--out", type=Path, metavar="FILE.py", help="with show: the whole broken page into a new file")


def add_paper(commands) -> None:
    paper = add(commands, "paper", run_paper, "a small backward pass to do by hand, and what a wrong answer means")
    kinds = ("gru", "gru_vectors", "contrastive", "contrastive_squared", "contrastive_linear", "contrastive_crf")
    paper.add_argument("kind", nargs="?", choices=kinds, default="gru", help="the problem (default: gru)")
    paper.add_argument("--seed", type=int, default=0, help="number of the problem (default: 0)")
    paper.add_argument("--ask", metavar="dX", help="the derivative to ask for: dh_prev, dUr, dx0 …")
    paper.add_argument("--answer", metavar="FRACTION", help="your answer: 3/20, -2, 0.15")
    paper.add_argument("--solve", action="store_true", help="print the whole solution")
    paper._negative_number_matcher = re.compile(r"-[\d./]+$")  # --answer -3/20 is a number too, not an option


def add(commands, name: str, run: Callable[[argparse.Namespace], int | None], text: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(command=run)
    return command


def add_threads(command: argparse.ArgumentParser) -> None:
    command.add_argument("--threads", type=int, help="threads for the convolutions (default: all cores); same bits")


def add_set(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the recipe: training.seed=3"
    )


def run_demo(arguments: argparse.Namespace) -> None:
    from minireid.demo import demo

    demo(arguments.out, quick=arguments.quick, seed=arguments.seed, threads=arguments.threads)


def run_train(arguments: argparse.Namespace) -> int | None:
    from minireid.train import go_on, new_run
    from minireid.training.loop import Interrupted
    from minireid.training.threads import threads

    with threads(arguments.threads):
        try:
            if arguments.resume:
                of_new_runs = (arguments.prepared, arguments.out, arguments.recipe, arguments.set, arguments.splits)
                if any(of_new_runs) or arguments.split is not None:
                    raise InputError("expected --resume RUN alone: a run goes on with its own data, recipe and split")
                go_on(arguments.resume, plain=arguments.plain)
            else:
                if not arguments.prepared or not arguments.out:
                    raise InputError("expected minireid train PREPARED --out RUN (or --resume RUN)")
                new_run(
                    arguments.prepared,
                    arguments.recipe or "msp_src",
                    tuple(arguments.set),
                    arguments.out,
                    splits_file=arguments.splits,
                    number=arguments.split or 0,
                    plain=arguments.plain,
                )
        except (Interrupted, KeyboardInterrupt) as stopped:
            run = arguments.resume or arguments.out
            if run is None or not (run / "checkpoint.npz").is_file():  # nothing has begun
                raise
            print(f"\n{str(stopped) or 'stopped'}; go on with: minireid train --resume {run}")
            return 130
    return None


def run_sweep(arguments: argparse.Namespace) -> int:
    from minireid.sweep.rows import rows_of
    from minireid.sweep.run import plan, sweep

    recipes = [name for names in arguments.recipe for name in names.split(",")]
    protocols = arguments.protocols.split(",") if arguments.protocols else []
    title, rows = rows_of(recipes, arguments.rows, tuple(arguments.set), protocols)
    wanted = plan(
        arguments.prepared, arguments.out, title, rows, arguments.splits_file, arguments.splits, arguments.seeds
    )
    return sweep(wanted, at_a_time=arguments.workers, scheduler=arguments.scheduler)


def run_table(arguments: argparse.Namespace) -> None:
    from minireid.sweep.table import table

    if len(arguments.sweeps) > 1 and not arguments.out:
        raise InputError("expected --out FOLDER for the table of several sweeps")
    table(arguments.sweeps, arguments.out or arguments.sweeps[0])


def run_evaluate(arguments: argparse.Namespace) -> None:
    from minireid.evaluate import evaluate_runs
    from minireid.training.threads import threads

    if len(arguments.runs) > 1 and not arguments.out:
        raise InputError("expected --out FOLDER for the results of several runs")
    with threads(arguments.threads):
        evaluate_runs(arguments.runs, arguments.out or arguments.runs[0] / "evaluation", tuple(arguments.set))


def run_metric(arguments: argparse.Namespace) -> None:
    from minireid.compare_metrics import compare_metrics
    from minireid.training.threads import threads

    if len(arguments.runs) > 1 and not arguments.out:
        raise InputError("expected --out FOLDER for the results of several runs")
    with threads(arguments.threads):
        compare_metrics(arguments.runs, arguments.out or arguments.runs[0] / "metric")


def run_embed(arguments: argparse.Namespace) -> None:
    from minireid.data.prepared import open_prepared
    from minireid.evaluation.folder import embed_folder, save_embeddings
    from minireid.files import check_target
    from minireid.training.run import open_run
    from minireid.training.threads import threads

    check_target(arguments.out, ".npz")
    with threads(arguments.threads):
        prepared = open_prepared(arguments.folder)
        embeddings = embed_folder(open_run(arguments.run), prepared)
    save_embeddings(arguments.out, embeddings, prepared)
    print(f"wrote {arguments.out}: views x tracks x features = {' x '.join(map(str, embeddings.shape))}")


def run_search(arguments: argparse.Namespace) -> None:
    from minireid.data.prepared import open_prepared
    from minireid.search import search
    from minireid.training.run import open_run
    from minireid.training.threads import threads

    if arguments.top < 1:
        raise InputError(f"expected --top of 1 or more, got {arguments.top}")
    with threads(arguments.threads):
        print(
            search(
                open_run(arguments.run),
                open_prepared(arguments.probe),
                open_prepared(arguments.gallery),
                top=arguments.top,
                picture=arguments.out,
            )
        )
    print(f"wrote {arguments.out}")


def run_trace(arguments: argparse.Namespace) -> None:
    from minireid.data.prepared import open_prepared
    from minireid.recipe import load
    from minireid.trace import trace
    from minireid.training.threads import threads

    if arguments.persons < 2:
        raise InputError(f"expected --persons of 2 or more, got {arguments.persons}")
    recipe = load(arguments.recipe, tuple(arguments.set))
    with threads(arguments.threads):
        prepared = open_prepared(arguments.prepared) if arguments.prepared else None
        print(trace(recipe, prepared, arguments.persons))


def run_bench(arguments: argparse.Namespace) -> None:
    if arguments.rounds < 1:
        raise InputError(f"expected --rounds of 1 or more, got {arguments.rounds}")
    if importlib.util.find_spec("numba") is None:
        raise InputError("minireid bench measures numba's kernels: pip install numba")
    from minireid.bench.run import bench

    bench(arguments.out, rounds=arguments.rounds, quick=arguments.quick, as_json=arguments.json)


def run_gradcheck(arguments: argparse.Namespace) -> int:
    if arguments.like:
        return check_students_file(arguments)
    if arguments.plot or any(name.endswith(".py") for name in arguments.names):
        raise InputError(
            "expected --like NAME beside FILE.py: what are its functions to be compared with? (--like gru)"
        )
    from minireid.checkall import check_all
    from minireid.training.threads import threads

    with threads(1):  # the maps are tiny: threads would only wait for each other
        return check_all(tuple(arguments.names), arguments.seed, as_json=arguments.json)


def check_students_file(arguments: argparse.Namespace) -> int:
    import json

    from minireid.files import check_target
    from minireid.student import check_file

    if len(arguments.names) != 1:
        raise InputError("expected one file: minireid gradcheck FILE.py --like gru")
    if arguments.plot:
        check_target(arguments.plot, ".png")
    found = check_file(
        Path(arguments.names[0]),
        arguments.like,
        seed=arguments.seed,
        seconds=arguments.time_limit,
        picture=arguments.plot,
    )
    text = found.pop("text")
    print(json.dumps(found, indent=1) if arguments.json else text)
    return 0 if found["ok"] else 1


def run_zoo(arguments: argparse.Namespace) -> None:
    from minireid.zoo import commands

    if arguments.action and arguments.number is None:
        raise InputError(f"expected a number: minireid zoo {arguments.action} 17")
    if arguments.out and arguments.action != "show":
        raise InputError("expected --out with show alone: minireid zoo show 17 --out FILE.py")
    if arguments.out:
        commands.write(arguments.number, arguments.out)
    if arguments.action == "show":
        print(commands.show(arguments.number, arguments.out))
    elif arguments.action == "hint":
        print(commands.hint(arguments.number))
    elif arguments.action == "solve":
        print(commands.solve(arguments.number))
    else:
        print(commands.listing())


def run_paper(arguments: argparse.Namespace) -> int:
    from minireid.paper.doctor import paper

    return paper(arguments.kind, seed=arguments.seed, ask=arguments.ask, answer=arguments.answer, solve=arguments.solve)


if __name__ == "__main__":
    sys.exit(main())
