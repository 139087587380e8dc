"""The first migration of a new project, which `ormkit init` writes without a server."""

from __future__ import annotations

from pathlib import Path

from ormkit.migrations.files import Migration, Step
from ormkit_gen.formatting.parallel import Progress
from ormkit_gen.ir import Schema
from ormkit_gen.migrations.authoring import Wanted, write_drafts
from ormkit_gen.migrations.drafting import Draft
from ormkit_gen.rendering.render import environment


def write_first(directory: Path, schema: Schema, progress: Progress) -> Migration:
    """Write the migration that creates the tables of a new project.

    Its text is that of `ormkit migrate new start`, whose plan needs a server.

    schema: that of `ormkit_gen.project.starter.plan_project()`, in either spelling.
    """
    sql = environment().get_template("init/first_migration.sql.jinja").render().strip()
    draft = Draft("expand", (Step(sql=sql),), schema, None)
    (written,) = write_drafts(directory, None, None, (draft,), Wanted("start"), progress)
    return written
