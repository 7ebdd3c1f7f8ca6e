"""Systems that the network is compared with."""
