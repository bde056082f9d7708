//! What broke, on whose side, and the one map from that to a reply.
