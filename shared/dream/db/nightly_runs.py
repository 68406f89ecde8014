"""`nightly_runs`: how far each nightly job has come in each run. It is the schedule's own; no tenant's data are in it."""

from __future__ import annotations

from dream.runtime.bindings import Database, Row, Sql

# A run that never came to its end is not taken up again: the next one sees all that it would have seen.
BEGIN = Sql("INSERT INTO nightly_runs (job, run) VALUES (?1, ?2) ON CONFLICT (job, run) DO NOTHING")

READ = Sql("SELECT cursor, checked, repaired, finishedAt FROM nightly_runs WHERE job = ?1 AND run = ?2")

# Two runs at once do the same work twice, which is harmless; the cursor of the one that came first counts.
ADVANCE = Sql("""
UPDATE nightly_runs SET cursor = ?4, checked = checked + ?5, repaired = repaired + ?6, finishedAt = ?7
WHERE job = ?1 AND run = ?2 AND cursor = ?3 AND finishedAt IS NULL
""")

DROP_OLD = Sql("DELETE FROM nightly_runs WHERE job = ?1 AND run < ?2")


async def begin(db: Database, job: str, run: str) -> Row:
    """Where the job stands in this run, which begins with the first call. Runs are named by their date, so that names sort."""
    rows = await db.batch([BEGIN.bind(job, run), READ.bind(job, run)])
    return rows[1][0]


async def advance(
    db: Database, job: str, run: str, before: str, cursor: str, checked: int, repaired: int, finished_at: str | None
) -> None:
    """The job has come from the cursor `before` to `cursor`, or to its end."""
    await db.run(ADVANCE, job, run, before, cursor, checked, repaired, finished_at)


async def drop_old(db: Database, job: str, before: str) -> int:
    """Forget the job's runs whose names sort before that."""
    return await db.run(DROP_OLD, job, before)
