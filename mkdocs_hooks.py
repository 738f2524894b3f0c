"""What the documentation site has beside the files of docs/.

The commands, the pages of the repository's root, and a page for each source file or folder that is linked to.
"""

import posixpath
import re
from functools import partial
from pathlib import Path

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import relinkage
from relinkage.cli import COMMANDS, cli

ROOT = Path(__file__).parent
FROM_ROOT = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "README.md": "overview.md"}
"""Files of the repository's root, and the pages of the site that stand for them."""
LINK = re.compile(r"\]\((?![a-z]+:|#)(?P<path>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")
CODE = re.compile(r"^(```.*?^```)", re.MULTILINE | re.DOTALL)
COMMANDS_INTRODUCTION = """\
# Commands

This page has every command with all its options, as `relinkage COMMAND --help` prints them; it is
made from the command line itself. A command ends with exit status 0 where it is done, 1 where a check
failed, 2 where the input or the request is wrong, and 130 where it was interrupted.

```
relinkage --version
```

```text
relinkage, version {version}
```
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Return the files with the pages that do not lie in docs/."""
    content = {page: (ROOT / source).read_text(encoding="utf-8") for source, page in FROM_ROOT.items()}
    content["reference/commands.md"] = command_reference()
    sources = {f"docs/{file.src_uri}": file.content_string for file in files.documentation_pages()}
    sources |= {source: content[page] for source, page in FROM_ROOT.items()}
    for source, text in sources.items():
        for link in LINK.finditer(text):
            if (page := page_of(target := linked(link["path"], source))).startswith("source/"):
                content[page] = source_page(target)
    for page, text in content.items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page whose links lead in the site where they lead in the repository."""
    uri = page.file.src_uri
    if uri.startswith("source/"):
        return markdown
    source = next((name for name, site in FROM_ROOT.items() if site == uri), f"docs/{uri}")
    parts = CODE.split(markdown)
    parts[::2] = [LINK.sub(partial(_rewritten, source, uri), part) for part in parts[::2]]
    return "".join(parts)


def _rewritten(source: str, uri: str, link: re.Match[str]) -> str:
    page = page_of(linked(link["path"], source))
    return f"]({posixpath.relpath(page, posixpath.dirname(uri) or '.')}{link['anchor'] or ''})"


def linked(link: str, source: str) -> str:
    """Return what a link in the file `source` leads to; both paths are relative to the repository's root.

    Raises:
        PluginError: nothing in the repository has that name.
    """
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    generated = target == "docs/reference/commands.md"
    if not generated and not (ROOT / target).exists():
        raise PluginError(f"{source} links to {link}, which does not exist; name a file or folder that does.")
    return target


def page_of(target: str) -> str:
    """Return the page, relative to docs/, that stands for a file or folder of the repository."""
    if target in FROM_ROOT:
        return FROM_ROOT[target]
    if target.startswith("docs/") and target.endswith((".md", ".svg")):
        return target.removeprefix("docs/")
    return f"source/{target}.md"


def source_page(target: str) -> str:
    """Return a page that shows a file, or the files of a folder; what docs/ has is linked."""
    path = ROOT / target
    title = f"# {target}\n\nWhat lies in the repository under this name."
    paths = [path] if path.is_file() else sorted(path.glob("*.*"))
    if target.startswith("docs/"):
        up = "../" * target.count("/") + "../"
        return "\n".join([title, "", *(f"- [{p.name}]({up}{p.relative_to(ROOT / 'docs')})" for p in paths)])
    languages = {".py": "python", ".c": "c", ".h": "c"}
    parts = [
        f"## {p.name}\n\n````{languages.get(p.suffix, 'text')}\n{p.read_text(encoding='utf-8')}\n````"
        for p in paths
    ]
    return "\n\n".join([title, *parts])


def command_reference() -> str:
    """Return the page of all commands, in the order of the help."""
    parts = [COMMANDS_INTRODUCTION.format(version=relinkage.__version__)]
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        context = click.Context(
            command, info_name=f"relinkage {name}", terminal_width=100, max_content_width=100
        )
        parts.append(f"## {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)
