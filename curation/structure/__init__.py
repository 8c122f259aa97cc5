"""What drives labels and how they hang together: factors, groups, protocols, cycles, principles."""
