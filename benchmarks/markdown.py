"""Findings as tables in Markdown, and as sentences."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.findings import Findings
from benchmarks.libraries import Library
from benchmarks.measuring import Measured
from benchmarks.memory import WORKS_OF_MEMORY, mebibytes
from benchmarks.tables import ALONE, OURS, STEADY, Verdict, cell, duration, noise


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first column is text and whose others are figures."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(each)} |" for each in lines)


def ratios_table(findings: Findings) -> str:
    """Return the table of the README: every work, OrmKit twice, and everyone else."""
    others = [each for each in findings.libraries if each.key == "pool"] + findings.peers
    rows = [
        [
            one.work.title,
            duration(one.times(one.work.floor).median),
            f"**{figure(one)}**",
            figure(two),
            *(cell(one, each.key) for each in others),
        ]
        for one, two in zip(findings.together, findings.apart, strict=True)
    ]
    names = [each.title for each in others]
    return table(["", "by hand", "OrmKit", "OrmKit, two cores", *names], rows)


def figure(measured: Measured, key: str = OURS) -> str:
    """Return OrmKit's ratio, marked where it is unsteady."""
    mark = "~" if key in measured.seconds and noise(measured, key) > STEADY else ""
    return f"{mark}{cell(measured, key)}"


def limits_table(findings: Findings) -> str:
    """Return OrmKit's figures with their limits and the fastest peer."""
    rows = []
    for one, two in findings.pairs():
        if one.limit is None:
            continue
        word = findings.word(one, two)
        rows.append(
            [
                titled(one),
                f"{one.limit:.2f}",
                figure(one.measured, one.key),
                figure(two.measured, two.key),
                word if word == "met" else f"**{word}**",
                best_peer(findings, one.measured),
                f"{noise(one.measured, one.key):.0%}",
                f"{noise(two.measured, two.key):.0%}",
            ]
        )
    heads = ["", "limit", "one core", "two cores", "", "best peer", "noise", "noise, two cores"]
    explained = (
        "The noise of a figure comes from running the same OrmKit code a second time as one more "
        "library: it is how far the quartiles of the ratio between the two are from 1. For lookups "
        "by key, it is how far the quartiles of the figure are from its median. A figure is "
        "undecided if the noise could move it across its limit. The best peer is the fastest other "
        "ORM on one core."
    )
    return f"{table(heads, rows)}\n\n{explained}\n\n{stream_sentence(findings)}".rstrip()


def titled(verdict: Verdict) -> str:
    off = ", coalescing off" if verdict.key == ALONE else ""
    return verdict.measured.work.title + off


def best_peer(findings: Findings, measured: Measured) -> str:
    """Return the fastest peer's ratio and name."""
    able = [each for each in findings.peers if each.key in measured.seconds]
    if not able:
        return "n/a"
    best = min(able, key=lambda each: measured.ratios(each.key).median)
    return f"{cell(measured, best.key)} {best.title}"


def stream_sentence(findings: Findings) -> str:
    """Say whether the stream stayed within its memory."""
    sentences = []
    for work in WORKS_OF_MEMORY:
        found = findings.memory.get(work.method, {}).get(OURS)
        if work.memory_limit is not None and found is not None:
            verdict = "met" if found <= work.memory_limit << 20 else "not met"
            sentences.append(
                f"{work.title[0].upper()}{work.title[1:]}: peak memory {mebibytes(found)} MiB "
                f"above the start, limit {work.memory_limit} MiB, {verdict}."
            )
    return " ".join(sentences)


def losses(findings: Findings) -> str:
    """Say where OrmKit is over a limit of its own, and where a peer is as fast."""

    def listed(word: str) -> str:
        return "; ".join(
            f"{titled(one)} ({one.figure:.2f} and {two.figure:.2f}, limit {one.limit:.2f})"
            for one, two in findings.named(word)
        )

    sentences = []
    if missed := listed("NOT met"):
        sentences.append(f"OrmKit exceeds its limit in: {missed}.")
    if undecided := listed("undecided"):
        sentences.append(f"Undecided, because the noise is too large: {undecided}.")
    if not sentences:
        sentences.append("OrmKit meets all of its limits.")
    lost = "; ".join(
        f"{measured.work.title} ({', '.join(each.title for each in faster)})"
        for measured, faster in findings.lost()
    )
    if lost:
        sentences.append(f"Another ORM is as fast or faster, on one core or on two, in: {lost}.")
    else:
        sentences.append("No other ORM is as fast in any of these benchmarks.")
    return " ".join(sentences)


def spread_table(findings: Findings, found: Sequence[Measured]) -> str:
    """Return medians with their quartiles."""
    shown = [each for each in findings.libraries if each.key != "bare"]
    rows = [[each.work.title, *(spread(each, library) for library in shown)] for each in found]
    return table(["", *(each.title for each in shown)], rows)


def spread(measured: Measured, library: Library) -> str:
    if library.key not in measured.seconds:
        return "n/a"
    found = measured.ratios(library.key)
    return f"{found.median:.2f} ({found.low:.2f}-{found.high:.2f})"


def notes(findings: Findings) -> str:
    """Return why works are missing, line by line."""
    return "\n".join(
        f"- {library.title}, {measured.work.title}: {measured.notes[library.key]}."
        for library in findings.libraries
        for measured in findings.together
        if library.key in measured.notes
    )


def memory_table(findings: Findings) -> str:
    shown = [each for each in findings.libraries if any(each.key in p for p in memory_of(findings))]
    rows = [
        [work.title, *(mebibytes(findings.memory[work.method].get(each.key)) for each in shown)]
        for work in WORKS_OF_MEMORY
    ]
    return table(["", *(each.title for each in shown)], rows)


def memory_of(findings: Findings) -> list[dict[str, int]]:
    return list(findings.memory.values())


def uvloop_table(findings: Findings) -> str:
    """Return the ratios on uvloop."""
    shown = [each for each in findings.libraries if each.key not in ("bare", ALONE)]
    rows = [
        [each.work.title, *(cell(each, library.key) for library in shown)]
        for each in findings.uvloop
    ]
    return table(["", *(each.title for each in shown)], rows)
