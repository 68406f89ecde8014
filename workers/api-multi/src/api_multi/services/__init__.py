"""What more than one handler of this worker uses."""
