//! Sets of domains and networks, and A-labels: pure.
