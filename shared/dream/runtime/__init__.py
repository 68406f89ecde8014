"""What a request runs in: bindings, context, settings, logs, clock, and what the isolate remembers."""
