"""A scripted agent that shows what the viewer can do; it speaks through the SDK and a real socket."""
