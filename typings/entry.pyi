# The worker's own main module, as devstack's local one sees it.
from workers import WorkerEntrypoint

class Default(WorkerEntrypoint): ...
