//! Ultrapeers and leaves.

/// What a servent is on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// `X-Ultrapeer: True`: it answers and routes for its leaves.
    Ultrapeer,
    /// `X-Ultrapeer: False`: it only speaks to ultrapeers, who shield it.
    Leaf,
    /// It says nothing of the kind: a servent of 0.4, or of 0.6 without ultrapeers.
    Plain,
}

/// Whether two servents of these roles can have a link: a leaf only with an ultrapeer ("Ultrapeers:
/// Another Step Towards Gnutella Scalability", Singla and Rohrs 2002, section 2.3).
pub const fn roles_fit(one: Role, other: Role) -> bool {
    !matches!((one, other), (Role::Leaf, Role::Leaf | Role::Plain) | (Role::Plain, Role::Leaf))
}
