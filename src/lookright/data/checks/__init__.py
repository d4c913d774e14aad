"""Everything that can be wrong with a data set, and the page that shows it."""
