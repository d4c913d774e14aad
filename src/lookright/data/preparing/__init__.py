"""From a published data set's folder to a manifest."""
