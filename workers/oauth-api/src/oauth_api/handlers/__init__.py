"""One module per noun. A handler reads as one paragraph: parse, load, decide, store, respond."""
