"""What more than one worker, or more than one handler, does. Knows nothing of webhooks or workers."""
