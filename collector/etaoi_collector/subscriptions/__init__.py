"""What programs hear of a running collector: filters, subscriptions and their queues."""
