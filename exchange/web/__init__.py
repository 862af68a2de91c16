"""The HTTP edge: request bodies, ranges, headers and error pages."""
