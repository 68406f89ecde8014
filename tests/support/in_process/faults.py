"""Makes the next calls of D1, KV, R2 or a vendor fail."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Faults:
    """The number of calls that fail next, after `let_pass` calls that succeed."""

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
        """Counts one call. Returns whether it must fail."""
        self.calls += 1
        if not self.failures:
            return False
        if self.let_pass:
            self.let_pass -= 1
            return False
        self.failures -= 1
        return True
