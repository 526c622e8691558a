"""Migrations of one service, run as a job before its processes start, never by them."""

import importlib
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import text

from chassis.db import make_engine

# One job at a time; the number is arbitrary, the lock is per database.
_LOCK = 0x6D696772617465


def upgrade(package: str, url: str, revision: str = "head") -> None:
    """Bring a database to `revision`, all steps in one transaction.

    Args:
        package: the service's package; its scripts lie in `migrations/versions/`.
        url: address of the database, as a role that owns its tables.
        revision: target revision.
    Raises: alembic's CommandError for an unknown revision; OperationalError when a lock is not
        had within 4 s, in which case nothing was changed.
    """
    module = importlib.import_module(package)
    folder = Path(next(iter(module.__path__))) / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)

    def steps(current: tuple[str, ...], _context: MigrationContext) -> list[RevisionStep]:
        return scripts._upgrade_revs(revision, current)  # type: ignore[arg-type]  # noqa: SLF001  (alembic's own commands do the same; it has no public form)

    engine = make_engine(url, name=f"{package}-migrations", pool_size=1)
    try:
        with engine.begin() as connection, EnvironmentContext(config, scripts) as environment:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            environment.configure(connection=connection, fn=steps)
            environment.run_migrations()
    finally:
        engine.dispose()
