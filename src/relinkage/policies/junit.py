"""Verdicts for programs that run checks: JUnit XML, and annotations of a GitHub workflow."""

import re
from xml.etree import ElementTree

from relinkage.policies.result import CheckResult, Verdict

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(result: CheckResult) -> str:
    """Return verdicts as JUnit XML: a case per rule, a failure where it fails, else an error.

    Args:
        result: what a check found.
    """
    failed = [verdict for verdict in result.verdicts if verdict.verdict == "fail"]
    errors = [verdict for verdict in result.verdicts if verdict.verdict not in ("pass", "fail")]
    suite = ElementTree.Element(
        "testsuite",
        name=f"relinkage check: {_text(result.policy.head.name)}",
        tests=str(len(result.verdicts)),
        failures=str(len(failed)),
        errors=str(len(errors)),
    )
    for verdict in result.verdicts:
        case = ElementTree.SubElement(
            suite, "testcase", classname=_text(f"relinkage.{result.run}"), name=_text(verdict.rule)
        )
        if verdict.verdict != "pass":
            kind = "failure" if verdict.verdict == "fail" else "error"
            part = ElementTree.SubElement(case, kind, type=verdict.verdict, message=_text(said(verdict)))
            part.text = _text(verdict.why)
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def annotations(result: CheckResult) -> list[str]:
    """Return a workflow command of GitHub for each rule that did not pass, and one line where all did.

    Args:
        result: what a check found.
    """
    lines = [
        f"::error title={_escaped(f'relinkage check: {verdict.rule}', ':,')}::{_escaped(said(verdict))}"
        for verdict in result.verdicts
        if verdict.verdict != "pass"
    ]
    passed = f"{result.run} passes the policy {result.policy.head.name}: {len(result.verdicts)} rules"
    return lines or [f"::notice title=relinkage check::{_escaped(passed)}"]


def said(verdict: Verdict) -> str:
    """Return a verdict as a sentence."""
    words = f"{verdict.rule}: {verdict.verdict}"
    if verdict.figure is not None and verdict.at_most is not None and verdict.limit is not None:
        figure, most, limit = (
            f"{value:.3g} times chance" if verdict.relative else f"{100 * value:.3g} %"
            for value in (verdict.figure, verdict.at_most, verdict.limit)
        )
        words += f"; {figure}, at most {most}, where {limit} is allowed"
        words += f" (by {verdict.attacker}, {verdict.direction})" if verdict.attacker else ""
    return f"{words}; {verdict.detail}." if verdict.detail else f"{words}."


def _text(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _escaped(text: str, further: str = "") -> str:
    """Return text as a workflow command takes it: nothing in it ends the command or begins another."""
    for sign in f"%\r\n{further}":
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text
