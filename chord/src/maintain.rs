//! Maintenance: the operations of [`Member`] spread over messages, with the Busy rule.
//!
//! [`Maintenance`] is all of a member that the proof of the protocol is about. It knows no time and no
//! bytes: questions and answers go in, [`Effect`]s come out. The protocol node adds timers, repeated
//! requests, lookups and keys; the model checker of the tests runs this very code with every order of
//! messages.
//!
//! While a member waits for an answer that may change its pointers it shows them to nobody, and
//! answers `Busy`. So each operation takes effect as if at the instant at which the node asked
//! answered, which is what the proof rests on (Zave, IEEE TSE 2017, section 4).

use alloc::vec::Vec;

use crate::{Member, Next, Place, Rectified};

/// What a member does to keep its pointers right; its one question under way at most.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Maintenance<P> {
    member: Member<P>,
    query: Option<Query<P>>,
    /// Who notified last while a question was under way.
    notified: Option<P>,
    /// Whether to stabilize again after this question.
    again: bool,
}

/// A question that may change pointers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Query<P> {
    /// StabilizeFromSuccessor asks the successor.
    Successor(P),
    /// StabilizeFromPredecessor asks the successor's predecessor.
    Candidate(P),
    /// Rectify asks the predecessor whether it lives, because `new` would take its place.
    Predecessor { old: P, new: P },
}

/// What to do for a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect<P> {
    /// Ask this node for its pointers, and hand in what it says with [`Maintenance::answered`].
    Ask(P),
    /// Ask this node whether it lives; the same way.
    Ping(P),
    /// Tell this node that we may be its predecessor.
    Notify(P),
    /// Tell this node to stabilize soon. Nothing depends on it but time.
    Nudge(P),
    /// The successor list changed: stabilize again soon.
    ListChanged,
    /// There is another predecessor than before.
    PredecessorChanged,
    /// The node asked was busy: stabilize again a little later.
    Retry,
    /// This node is dead.
    Dead(P),
    /// No successor is left. Outside the proof: see [`Maintenance::mend`].
    Isolated,
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a, P> {
    /// Its pointers. The list must be in ring order, which [`is_ordered`](crate::is_ordered) tells.
    Pointers {
        /// Its predecessor, if it knows one.
        predecessor: Option<P>,
        /// Its successor list.
        successors: &'a [P],
    },
    /// It lives, and shows nothing now.
    Busy,
    /// It lives: the answer to a ping.
    Alive,
    /// It does not answer, or answers that it is no member.
    Dead,
}

impl<P> Query<P> {
    fn asked(&self) -> &P {
        match self {
            Self::Successor(node) | Self::Candidate(node) | Self::Predecessor { old: node, .. } => {
                node
            }
        }
    }
}

impl<P: Place> Maintenance<P> {
    /// A member that asks nothing yet.
    pub fn new(member: Member<P>) -> Self {
        Self { member, query: None, notified: None, again: false }
    }

    /// The pointers.
    pub fn member(&self) -> &Member<P> {
        &self.member
    }

    /// What to answer a node that asks for the pointers: the member, or `None` for `Busy`.
    pub fn shown(&self) -> Option<&Member<P>> {
        self.query.is_none().then_some(&self.member)
    }

    /// Whom it waits for.
    pub fn asked(&self) -> Option<P> {
        self.query.as_ref().map(|query| *query.asked())
    }

    /// StabilizeFromSuccessor begins; if a question is under way, after that.
    pub fn stabilize(&mut self, out: &mut Vec<Effect<P>>) {
        if self.query.is_some() {
            self.again = true;
            return;
        }
        let me = self.member.me();
        match self.member.successors().first() {
            None => out.push(Effect::Isolated),
            Some(successor) if successor == me => {
                // Its own successor: it knows what that would answer.
                let next = self.member.stabilize_alone();
                self.go_on(next, false, out);
            }
            Some(successor) => self.ask(Query::Successor(successor), out),
        }
    }

    /// Somebody says that it may be our predecessor. Of several that come while a question is under
    /// way the last one counts.
    pub fn notified(&mut self, new: P, out: &mut Vec<Effect<P>>) {
        if self.query.is_some() {
            self.notified = Some(new);
        } else {
            self.rectify(new, out);
        }
    }

    /// The question put to `from` has an answer. If nothing is asked of `from`, nothing happens.
    pub fn answered(&mut self, from: P, answer: Answer<'_, P>, out: &mut Vec<Effect<P>>) {
        let Some(query) = self.query.filter(|query| *query.asked() == from) else { return };
        if answer == Answer::Dead {
            out.push(Effect::Dead(from));
        }
        let member = &mut self.member;
        let (changed, next) = match (query, answer) {
            (Query::Predecessor { old: _, new }, Answer::Dead) => {
                member.predecessor_failed();
                self.rectify(new, out);
                return self.question_over(out);
            }
            (Query::Predecessor { .. }, _) => return self.question_over(out),
            (Query::Successor(_), Answer::Pointers { predecessor, successors }) => {
                member.stabilize_from_successor(from, successors, predecessor)
            }
            (Query::Successor(_), Answer::Dead) => {
                // The next one has not answered yet: worth a look at once.
                self.again = true;
                (true, member.successor_failed())
            }
            (Query::Candidate(_), Answer::Pointers { successors, .. }) => {
                // The new successor may have a predecessor that is closer still.
                let (changed, next) = member.stabilize_from_predecessor(from, successors);
                self.again |= changed;
                (changed, next)
            }
            (Query::Candidate(_), Answer::Dead) => {
                // Only a node that is its own successor, or isolated, asks its own predecessor.
                if member.predecessor() == Some(from) {
                    member.predecessor_failed();
                }
                self.again |= member.successors().first().is_none();
                (false, member.notify())
            }
            (_, Answer::Busy | Answer::Alive) => {
                out.push(Effect::Retry);
                return self.question_over(out);
            }
        };
        self.go_on(next, changed, out);
    }

    /// For a node that lost every successor: asks `node`, whatever it is, and makes it the successor
    /// if it lives. The protocol promises nothing then, and neither does the proof.
    pub fn mend(&mut self, node: P, out: &mut Vec<Effect<P>>) {
        if self.query.is_none() {
            self.ask(Query::Candidate(node), out);
        }
    }

    /// Asks.
    fn ask(&mut self, query: Query<P>, out: &mut Vec<Effect<P>>) {
        let asked = *query.asked();
        out.push(match query {
            Query::Successor(_) | Query::Candidate(_) => Effect::Ask(asked),
            Query::Predecessor { .. } => Effect::Ping(asked),
        });
        self.query = Some(query);
    }

    /// Does what an operation asks for next.
    fn go_on(&mut self, next: Next<P>, changed: bool, out: &mut Vec<Effect<P>>) {
        if changed {
            out.push(Effect::ListChanged);
        }
        match next {
            Next::Query(candidate) => self.ask(Query::Candidate(candidate), out),
            Next::Notify(node) => {
                out.push(Effect::Notify(node));
                self.question_over(out);
            }
            Next::Nothing => self.question_over(out),
        }
    }

    /// No question is under way any more: what waited for that comes now.
    fn question_over(&mut self, out: &mut Vec<Effect<P>>) {
        self.query = None;
        if let Some(new) = self.notified.take() {
            self.rectify(new, out);
        }
        if self.query.is_none() && core::mem::take(&mut self.again) {
            self.stabilize(out);
        }
    }

    fn rectify(&mut self, new: P, out: &mut Vec<Effect<P>>) {
        let before = self.member.predecessor();
        match self.member.rectify(new) {
            Rectified::Same => {}
            Rectified::Check(old) => self.ask(Query::Predecessor { old, new }, out),
            Rectified::Adopted => {
                out.push(Effect::PredecessorChanged);
                // The old predecessor has a new successor. It would find out when it stabilizes next;
                // telling it to do so now only moves that time.
                match before {
                    Some(old) if old == self.member.me() => self.stabilize(out),
                    Some(old) => out.push(Effect::Nudge(old)),
                    None => {}
                }
            }
        }
    }
}
