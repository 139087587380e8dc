"""Rendering: views and templates become the texts of the generated files.

The only I/O is reading the templates.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.ir import Schema
from ormkit_gen.rendering.dto import Library, dtos_view
from ormkit_gen.rendering.own_names import IMPORT, USE, named
from ormkit_gen.rendering.retired import without_retired
from ormkit_gen.rendering.views import PackageView, package_view
from ormkit_gen.version import ormkit_version

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment() -> Environment:
    """Return the Jinja environment. Undefined names in a template are errors."""
    # Commands that render nothing begin a tenth sooner without it.
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_template),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(schema: Schema, dto: Library | None = None) -> dict[str, str]:
    """Return the unformatted text of every generated file, by file name.

    dto: the library of the classes UserCreate, UserUpdate and UserRead; None generates none.
    """
    known = without_retired(schema)
    package = package_view(known)
    init = _render("package.py.jinja", package=package, runtime=runtime_needed())
    texts = {"__init__.py": named(init, (), package.exports)}
    texts.update(_models(package))
    if package.enums:
        enums = _render("enums.py.jinja", enums=package.enums)
        texts["enums.py"] = named(enums, (), [enum.name for enum in package.enums])
    if dto is not None:
        # A model Dto has a module of that name.
        name = "dto.py" if "dto.py" not in texts else "dto_.py"
        dtos = dtos_view(known, dto)
        texts[name] = named(_render("dto.py.jinja", dtos=dtos), dtos.fields, dtos.top_names)
    texts["schema.sql"] = schema_sql(schema)
    return texts


def runtime_needed() -> str:
    """Return the oldest version of the runtime that the generated code runs on."""
    # A minor version may add names that generated code imports; a patch does not.
    return ".".join(ormkit_version().split(".")[:2])


def _template(name: str) -> str | None:
    """Return the text of a template, or None if there is no such template."""
    # In a wheel the templates are inside the package, in a checkout beside it. Either may be in a
    # zip archive.
    package: Any = files("ormkit_gen")
    for directory in (package / "templates", package.parent / "templates"):
        template = directory.joinpath(*name.split("/"))
        if template.is_file():
            return str(template.read_text(encoding="utf-8")).replace("§", USE).replace("¶", IMPORT)
    return None


def _models(package: PackageView) -> dict[str, str]:
    return {
        f"{model.module}.py": named(
            _render("model.py.jinja", model=model), model.attribute_names, model.top_names
        )
        for model in package.models
    }


def _render(template: str, **context: object) -> str:
    return environment().get_template(template).render(**context)
