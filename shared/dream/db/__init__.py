"""All SQL, one module per table. Functions are named as the question they ask; none commits to more than one round trip."""
