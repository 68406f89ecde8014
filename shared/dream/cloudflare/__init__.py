"""The adapter: the one package that knows `js`, `pyodide` and `workers`. It turns the Workers runtime into our own types.

`worker` runs an app in an isolate and is the place to start. `messages` translates requests and responses. The other modules
implement the protocols of `dream.runtime.bindings`, one binding each.

Each attribute, argument and result that crosses from Python to JavaScript costs time, and every request takes this path. So the
bindings are used without wrappers, statements are prepared once per isolate, and a value is read only when it is needed.
"""
