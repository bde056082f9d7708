//! Sockets: listeners, streams, deadlines.
