//! Proximity choice: of the nodes that may be a finger, the one that answers first.
//!
//! Any node at a distance in [2^(i−1), 2^i) does as finger i; lookups take a little more than half as many
//! hops again at worst, and less time (Dabek et al., "Designing a DHT for low latency and high
//! throughput", NSDI 2004, section 4.2). The exact finger and who follows it are pinged.

use alloc::vec::Vec;
use core::time::Duration;

use super::rpc::Purpose;
use super::{Cx, Node};
use crate::{Contact, Id, Message};

/// How many nodes after the exact finger are tried.
const FOLLOWERS: usize = 3;

/// How many choices may be under way.
const CHOICES: usize = 16;

/// A choice under way.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    finger: u32,
    /// Who has not answered yet.
    waiting: Vec<Contact>,
    best: Option<(Duration, Contact)>,
}

impl Node {
    /// Chooses finger `finger` among its owner, those of `follow` that would do as well, and the present
    /// one.
    pub(super) fn choose_finger(
        &mut self,
        finger: u32,
        owner: Contact,
        follow: &[Contact],
        cx: &mut Cx<'_>,
    ) {
        let me = self.fingers.start(0);
        let level = |node: &Contact| me.distance(node.id).log2();
        let would_do = |node: &&Contact| **node != owner && level(node) == level(&owner);
        let mut waiting = Vec::from([owner]);
        waiting.extend(follow.iter().filter(would_do).take(FOLLOWERS));
        let present = self.fingers.finger(finger);
        waiting.extend(present.iter().filter(would_do).filter(|p| !follow.contains(p)));
        for node in &waiting {
            self.ask(node.address, Purpose::Probe(*node), |request| Message::Ping { request }, cx);
        }
        let choices = &mut self.upkeep.choices;
        choices.retain(|choice| choice.finger != finger);
        if choices.len() == CHOICES {
            choices.remove(0);
        }
        choices.push(Choice { finger, waiting, best: None });
    }

    /// A node that may become a finger answered after so long, or did not.
    pub(super) fn probed(&mut self, node: Contact, after: Option<Duration>) {
        let choices = &mut self.upkeep.choices;
        let Some(which) = choices.iter().position(|choice| choice.waiting.contains(&node)) else {
            return;
        };
        let choice = &mut choices[which];
        choice.waiting.retain(|other| *other != node);
        if let Some(after) = after
            && choice.best.is_none_or(|(best, _)| after < best)
        {
            choice.best = Some((after, node));
        }
        if choice.waiting.is_empty()
            && let Choice { finger, best: Some((_, best)), .. } = choices.remove(which)
        {
            self.counters.finger_changes += u64::from(self.fingers.set(finger, best));
        }
    }
}
