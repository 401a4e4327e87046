"""The columns of the tree, one a file; see `etaoi_tui.view.column`."""
