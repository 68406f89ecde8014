"""The whole stack in the pytest process: the real `App` of each worker, the stand-ins of Stripe and Clerk, and the parts of
Cloudflare played by SQLite and dicts. No sockets: a request takes about a millisecond, a fresh stack a few.

How to write a test (or move one from tests/workerd):

    def test_a_call_is_counted(stack: Stack) -> None:                     # from tests.support.stack import Stack
        tenant = make_tenant(stack)                                      # tests.support.{tenants,stripe_accounts,stores,developers}
        answer = stack.http("api-multi").post("/api/data", headers=tenant.headers("ada"))
        assert answer.json()["usage"]["count"] == 1                      # `answer` is a plain httpx.Response
        assert stack.d1("SELECT plan FROM end_users") == [{"plan": None}]

- Each test has a stack of its own, with an empty database. So fixtures over `stack` have no `scope`, and time that was moved,
  faults and rules need no cleaning up.
- When a client returns, all has happened that its request causes: what `wait_until` left for afterwards, and the webhooks that are
  due. Nothing has to be waited for. `stack.deliver()` sends what waits for a retry, and what a paused Stripe holds back.
- `stack.http(service)` keeps no cookies; `stack.client(base_url)` does, as a browser.
- Races: `stack.at_once([client.build_request(...), ...])`, or threads. Requests interleave at each call of D1, KV, R2 and a vendor.
- Time: `stripe.control("clock", {"advanceSeconds": n})` moves all clocks; `/_devstack/clock` of a worker those of the workers alone.
- Crashes: `tests.support.killing.die_at` makes a call and lets it die at a checkpoint, together with its worker. Armed checkpoints
  (`POST /_devstack/checkpoints {"armed": {name: "fail"}}`), "hang" and `kill_during` do what they do in workerd.
- Below the handlers: `stack.context(worker)` is a context as a request gets it; `stack.run(coroutine)` runs where the stand-ins run.
- Random tests: `tests.support.profile.repetitions` says how many; few in every run, all of them in `make torture`.
- Failing parts: `stack.d1_faults.fail(times=1, after=2)`, `stack.faults_of("stripe").fail(takes_effect=True)`,
  `stack.bindings.kv_faults`, `stack.bindings.r2_faults`; the vendors' own errors by their controls (`/_devstack/faults`).
  These belong to `InProcessStack`: annotate `stack: InProcessStack` where a test uses them.
- Settings: `InProcessStack(rate_limit_per_minute=3, overrides={...})` in a fixture named `stack` of the test module.

What it can't show: two isolates with caches of their own (the four workers share their memory here; `stack.restart_workers()` clears
it), limits of time and size of the runtime, real timeouts of vendors. Such a test stays in tests/workerd. There test_contract.py
sends the same requests to both stacks, so that this one stays honest: add a request to it when you rely on something new.
"""
