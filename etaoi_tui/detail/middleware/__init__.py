"""The middleware of a call: found in the tree, paired, put in order."""
