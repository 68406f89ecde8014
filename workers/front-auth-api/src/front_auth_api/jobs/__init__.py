"""What the schedule does. Every job is bounded per run and safe to repeat, two at once included."""
