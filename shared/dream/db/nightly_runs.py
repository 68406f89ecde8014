"""`nightly_runs`: the progress of each run of each nightly job. The table holds no customer's data, so nothing is scoped."""

from __future__ import annotations

from dataclasses import dataclass

from dream.runtime.bindings import Database, Row, Sql

# Inserts a run, if it does not exist. A run that never finished is not resumed by the next one, which starts from the beginning.
BEGIN = Sql("INSERT INTO nightly_runs (job, run) VALUES (?1, ?2) ON CONFLICT (job, run) DO NOTHING")

# Reads the progress of a run.
READ = Sql("SELECT cursor, checked, repaired, finishedAt FROM nightly_runs WHERE job = ?1 AND run = ?2")

# Moves the cursor of a run from ?3 to ?4. Of two processes that work on the same slice, only the first one moves it; that the
# slice was done twice is harmless.
ADVANCE = Sql("""
UPDATE nightly_runs SET cursor = ?4, checked = checked + ?5, repaired = repaired + ?6, finishedAt = ?7
WHERE job = ?1 AND run = ?2 AND cursor = ?3 AND finishedAt IS NULL
""")

# Deletes old runs of a job.
DELETE_OLD = Sql("DELETE FROM nightly_runs WHERE job = ?1 AND run < ?2")


@dataclass(frozen=True, slots=True)
class NightlyRun:
    """The progress of one run. An empty cursor is the beginning; the counts are totals of the run."""

    cursor: str
    checked: int
    repaired: int
    is_finished: bool


def _run_from(row: Row) -> NightlyRun:
    return NightlyRun(row["cursor"], row["checked"], row["repaired"], row["finishedAt"] is not None)


async def begin_or_resume(db: Database, job: str, run: str) -> NightlyRun:
    """The progress of the run. The first call starts it. Runs are named by their date, so that their names sort."""
    _, rows = await db.batch([BEGIN.bind(job, run), READ.bind(job, run)])
    return _run_from(rows[0])


async def advance(
    db: Database,
    job: str,
    run: str,
    from_cursor: str,
    to_cursor: str,
    checked: int,
    repaired: int,
    finished_at: str | None,
) -> None:
    """Records that the slice between the two cursors is done, and that the run is finished if `finished_at` is given."""
    await db.run(ADVANCE, job, run, from_cursor, to_cursor, checked, repaired, finished_at)


async def delete_old(db: Database, job: str, before: str) -> int:
    """Deletes the job's runs whose names sort before `before`. Returns how many."""
    return await db.run(DELETE_OLD, job, before)
