"""What every HTML page is rendered with: escaped by default, and nothing undefined passed over."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def page_environment() -> Environment:
    """Give the environment of the page templates; whatever is put into a page is escaped."""
    return Environment(
        loader=PackageLoader("relinkage.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
