"""The options about CI servers: which one it is, and the files that it and later jobs read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pixian_batch.cli.declaring import choice, text

if TYPE_CHECKING:
    from collections.abc import Mapping

CI_PANEL = "In CI"
CI_WORDS = ("auto", "github", "gitlab", "none")


@dataclass(frozen=True, kw_only=True)
class CiOptions:
    """What a CI server is told."""

    ci: Annotated[
        str,
        choice(
            CI_PANEL,
            "--ci",
            CI_WORDS,
            "Annotations, a step summary and outputs as this server takes them; it is recognised unless told.",
        ),
    ] = "auto"
    junit: Annotated[
        str | None, text(CI_PANEL, "--junit", "FILE", "Write JUnit XML, a test case an image, to this file.")
    ] = None
    comment_file: Annotated[
        str | None,
        text(CI_PANEL, "--comment-file", "FILE", "Write a comment's body, in Markdown, to this file."),
    ] = None
    code_quality: Annotated[
        str | None,
        text(CI_PANEL, "--code-quality", "FILE", "Write GitLab's code quality report to this file."),
    ] = None
    dotenv: Annotated[
        str | None,
        text(CI_PANEL, "--dotenv", "FILE", "Write counts and credits as PIXIAN_...=... to this file."),
    ] = None


def ci_service(word: str, environ: Mapping[str, str]) -> str:
    """`github`, `gitlab` or `none`: what was said, else what the environment says."""
    if word != "auto":
        return word
    if environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    return "gitlab" if environ.get("GITLAB_CI") == "true" else "none"
