//! STUN messages: the RFCs' vectors, laws, hostile bytes, the server.

mod hostile;
mod laws;
mod retransmission;
mod server;
mod vectors;
