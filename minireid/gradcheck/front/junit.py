"""Reports as JUnit XML, for servers that run tests."""

from typing import Any
from xml.sax.saxutils import escape, quoteattr


def junit(checks: list[dict[str, Any]], texts: list[str], unchecked: list[str] = ()) -> str:  # type: ignore[assignment]
    """checks: of Report.to_json. texts: the reports as text. unchecked: lines; each is a skipped test."""
    failures = sum(not check["ok"] for check in checks)
    count = len(checks) + len(unchecked)
    head = f'tests="{count}" failures="{failures}" skipped="{len(unchecked)}" errors="0"'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuite name="minireid gradcheck" {head}>']
    for check, text in zip(checks, texts):
        case = f'  <testcase classname="gradcheck" name={quoteattr(clean(check["name"]))}'
        if check["ok"]:
            lines.append(f"{case}/>")
        else:
            lines += [
                f"{case}>",
                f"    <failure message={quoteattr(message(check, text))}>{escape(clean(text))}</failure>",
            ]
            lines.append("  </testcase>")
    for line in unchecked:
        name, _, reason = clean(line).partition(": ")
        lines.append(f'  <testcase classname="gradcheck" name={quoteattr(name)}>')
        lines += [f"    <skipped message={quoteattr(reason)}/>", "  </testcase>"]
    return "\n".join([*lines, "</testsuite>", ""])


def message(check: dict[str, Any], text: str) -> str:
    """The failure in one line; it tells the line of the mistake only if the text does (--hints)."""
    wrong = [tensor["name"] for tensor in check["tensors"] if not tensor["ok"]]
    parts = [*check["faults"][:1], *([check["forward"]] if check["forward"] else [])]
    if check["line"] and f"line {check['line']['number']} in" in text:
        parts.append(f"line {check['line']['number']}: {check['line']['text']}")
    return clean("; ".join([*parts, *([f"wrong: {', '.join(wrong)}"] if wrong else [])]) or "wrong")


def clean(text: str) -> str:
    """Without signs that XML does not allow, such as those that colour a terminal."""
    return "".join(sign for sign in text if sign in "\t\n" or ord(sign) >= 32)
