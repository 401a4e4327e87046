"""From blocks of a document to lines of a given width, a slice at a time."""
