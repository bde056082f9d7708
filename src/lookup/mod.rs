//! What scripts and the proxy ask of the world: DNS, block lists, client names.
