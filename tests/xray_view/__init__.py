"""What the viewer makes of model calls: alignment, folds, comparisons, pages."""
