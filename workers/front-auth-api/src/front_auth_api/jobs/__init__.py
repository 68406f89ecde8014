"""The jobs of the cron schedule. The work of one run is limited. Running a job twice, even at the same time, is harmless."""
