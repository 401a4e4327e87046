"""The one model of middleware, for rows and pages: its hooks, how they pair around a call, what they did.

Our SDK nests a span per hook around the call. The etaoi SDK sends two probe events per hook as siblings of
the call, one on the way down and one on the way back.
"""
