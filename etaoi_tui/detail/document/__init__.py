"""What a page shows before it has a width: tabs, sections, blocks."""
