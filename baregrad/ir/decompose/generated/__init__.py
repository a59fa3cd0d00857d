"""Tables that tools make: never edited by hand."""
