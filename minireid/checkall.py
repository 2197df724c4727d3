"""`minireid gradcheck`: everything that has a derivative here, as a table."""

import json

from minireid.cases import all_cases
from minireid.errors import InputError
from minireid.gradcheck import Report, TensorReport, check


def check_all(names: tuple[str, ...], seed: int, *, as_json: bool = False) -> int:
    """Check the cases of these names (without names: all of them) and print. 1 where something is wrong, else 0."""
    cases = list(all_cases(seed))
    known = {part for case in cases for part in (case.name, case.name.split("/")[0])}
    unknown = set(names) - known
    if unknown:
        raise InputError(f"there is nothing called {min(unknown)} to check; expected one of {', '.join(sorted(known))}")
    chosen = [c for c in cases if not names or {c.name, c.name.split("/")[0]} & set(names)]
    reports = []
    if not as_json:
        print(f"{'layer':<32} {'tensor':<20} {'shape':<18} {'worst':>8}  {'at':<16} verdict")
    for case in chosen:
        report = check(
            case.forward, case.backward, *case.arrays, seed=seed, name=case.name, method=method(case), **case.config
        )
        reports.append(report)
        if not as_json:
            print(
                "\n".join([*(row(report, t) for t in report.tensors), *([str(report)] if not report.ok else [])]),
                flush=True,
            )
    wrong = [report.name for report in reports if not report.ok]
    if as_json:
        print(json.dumps({"ok": not wrong, "checks": [report.to_json() for report in reports]}, indent=1))
    else:
        print(
            f"{len(chosen)} functions checked, seed {seed}: {f'WRONG: {chr(44).join(wrong)}' if wrong else 'all right'}"
        )
    return 1 if wrong else 0


def method(case) -> str:
    """Differences where the compiled convolution runs: for complex numbers it would be compiled anew, for seconds."""
    plain = case.config.get("kernel", None)
    compiled = plain is None and case.name.split("/")[0] in (
        "conv_block",
        "src",
        "msp_src",
        "msp_src_low",
        "msp_src_high",
        "msp_src_motion",
    )
    return "central" if compiled or case.name == "conv2d/direct" else "auto"


def row(report: Report, tensor: TensorReport) -> str:
    verdict = "ok" if tensor.ok else f"WRONG  {tensor.verdict}"
    kinks = f"  ({tensor.kinks} on kinks)" if tensor.kinks and tensor.ok else ""
    at = str(tensor.index) if tensor.index else ""
    return f"{report.name:<32} {tensor.name:<20} {tensor.shape!s:<18} {tensor.error:8.1e}  {at:<16} {verdict}{kinks}"
