"""What a system costs: parameters, operations, time and memory."""
