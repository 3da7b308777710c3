"""Is the person really gone? Two models and photographs in, evidence out."""
