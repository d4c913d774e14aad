"""Where people looked: tables of fixations or raw samples become human maps."""
