# The main module of a worker, for devstack's `local_entry`, which subclasses it.
from workers import WorkerEntrypoint

class Default(WorkerEntrypoint): ...
