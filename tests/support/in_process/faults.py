"""Makes the next calls of D1, of a vendor or of KV fail on purpose."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Faults:
    """How many of the next calls fail. `let_pass` calls go through before that."""

    failures: int = 0
    let_pass: int = 0
    takes_effect: bool = False
    """The call is carried out and only its answer is lost."""
    calls: int = field(default=0, init=False)

    def fail(self, times: int = 1, *, after: int = 0, takes_effect: bool = False) -> None:
        """The next `times` calls fail, once `after` calls have passed."""
        self.failures, self.let_pass, self.takes_effect = times, after, takes_effect

    def clear(self) -> None:
        self.fail(0)

    def strikes(self) -> bool:
        """Counts one call and says whether it fails."""
        self.calls += 1
        if not self.failures:
            return False
        if self.let_pass:
            self.let_pass -= 1
            return False
        self.failures -= 1
        return True
