"""The style of the workspace: which panes stand where, by the classes that `Arrangement` sets."""

from __future__ import annotations

CSS = """
Workspace { layout: vertical; }
#body { height: 1fr; }
#work { width: 1fr; height: 1fr; layout: vertical; }
#traces { width: 34; height: 1fr; }
#tree { width: 1fr; height: 1fr; }
#lanes { width: 1fr; height: 1fr; display: none; }
Workspace.-lanes #tree { display: none; }
Workspace.-lanes #lanes { display: block; }
#conversation { width: 1fr; height: 1fr; display: none; }
Workspace.-conversation #tree, Workspace.-conversation #lanes { display: none; }
Workspace.-conversation #conversation { display: block; }
#detail { width: 1fr; height: 1fr; }
#welcome { width: 1fr; height: 1fr; display: none; }
Workspace.-empty #welcome { display: block; }
Workspace.-empty #tree, Workspace.-empty #detail, Workspace.-empty #split-detail { display: none; }
Workspace.-empty #traces, Workspace.-empty #split-traces, Workspace.-empty #lanes,
Workspace.-empty #conversation { display: none; }
Workspace.-wide #work { layout: horizontal; }
Workspace.-drawer #traces { display: none; }
Workspace.-framed #traces { padding: 0 0 1 1; }
Workspace.-framed.-narrow #traces { padding: 0 1 1 1; }
Workspace.-framed #tree, Workspace.-framed #lanes { padding: 0 1 0 1; }
Workspace.-framed.-wide #tree, Workspace.-framed.-wide #lanes { padding: 0 0 1 1; }
Workspace.-framed.-narrow #tree, Workspace.-framed.-narrow #lanes { padding: 0 1 1 1; }
Workspace.-framed #conversation { padding: 0 1 1 2; }
Workspace.-framed.-medium.-at-detail #conversation,
Workspace.-framed.-drawer.-at-detail #conversation { padding: 0 1 0 2; }
Workspace.-framed.-wide #conversation { padding: 0 0 1 2; }
Workspace.-framed #detail { padding: 0 1 1 2; }
Workspace.-drawer.-at-traces #traces { display: block; }
Workspace.-drawer #split-traces { display: none; }
Workspace.-drawer.-at-traces #split-traces { display: block; }
Workspace.-narrow #split-traces, Workspace.-narrow #split-detail { display: none; }
Workspace.-narrow Breadcrumb { display: block; }
Workspace.-narrow #traces, Workspace.-narrow #tree, Workspace.-narrow #detail,
Workspace.-narrow #lanes, Workspace.-narrow #conversation, Workspace.-narrow #work { display: none; }
Workspace.-narrow.-at-traces #traces { display: block; width: 1fr; }
Workspace.-narrow.-at-tree #work, Workspace.-narrow.-at-detail #work { display: block; }
Workspace.-narrow.-at-tree #tree, Workspace.-narrow.-at-detail #detail { display: block; }
Workspace.-narrow.-at-tree.-lanes #tree { display: none; }
Workspace.-narrow.-at-tree.-lanes #lanes { display: block; }
Workspace.-narrow.-at-tree.-conversation #tree, Workspace.-narrow.-at-tree.-conversation #lanes,
Workspace.-narrow.-at-tree.-lanes.-conversation #lanes { display: none; }
Workspace.-narrow.-at-tree.-conversation #conversation { display: block; }
Workspace.-narrow.-stacked.-at-tree #detail,
Workspace.-narrow.-stacked.-at-tree #split-detail { display: block; }
Workspace.-medium.-conversation.-at-tree #detail, Workspace.-medium.-conversation.-at-traces #detail,
Workspace.-medium.-conversation.-at-tree #split-detail,
Workspace.-medium.-conversation.-at-traces #split-detail,
Workspace.-drawer.-conversation.-at-tree #detail, Workspace.-drawer.-conversation.-at-traces #detail,
Workspace.-drawer.-conversation.-at-tree #split-detail,
Workspace.-drawer.-conversation.-at-traces #split-detail,
Workspace.-narrow.-stacked.-at-tree.-conversation #detail,
Workspace.-narrow.-stacked.-at-tree.-conversation #split-detail { display: none; }
Workspace.-narrow.-empty Breadcrumb { display: none; }
Workspace.-narrow.-empty #work, Workspace.-narrow.-empty #welcome { display: block; }
Workspace.-narrow.-empty #traces, Workspace.-narrow.-empty #tree,
Workspace.-narrow.-empty #detail, Workspace.-narrow.-stacked.-at-tree.-empty #detail,
Workspace.-narrow.-stacked.-at-tree.-empty #split-detail { display: none; }
"""
"""The app's CSS: Textual reads a screen's own only for screens that are pushed."""
