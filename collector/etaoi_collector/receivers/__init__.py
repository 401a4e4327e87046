"""The doors through which agents reach the collector, one file each."""
