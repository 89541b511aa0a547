//! Registered nicks.

use std::collections::BTreeMap;

use napster_wire::Word;

/// Nicks that someone registered, with their passwords.
#[derive(Clone, Default)]
pub(super) struct Accounts {
    by_nick: BTreeMap<Box<[u8]>, Account>,
}

/// A registered user.
#[derive(Clone)]
struct Account {
    password: Box<[u8]>,
    email: Box<[u8]>,
}

/// Without the passwords.
impl core::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Accounts").field("len", &self.by_nick.len()).finish_non_exhaustive()
    }
}

/// What the accounts say to a nick and a password.
pub(super) enum Verdict<'a> {
    /// The nick is registered and the password is right.
    Known { email: &'a [u8] },
    /// The nick is registered and the password is wrong.
    WrongPassword,
    /// The nick is not registered.
    Unknown,
}

impl Accounts {
    pub(super) fn len(&self) -> usize {
        self.by_nick.len()
    }

    pub(super) fn contains(&self, nick: &[u8]) -> bool {
        self.by_nick.contains_key(&*key(nick))
    }

    pub(super) fn check(&self, nick: &[u8], password: &[u8]) -> Verdict<'_> {
        match self.by_nick.get(&*key(nick)) {
            None => Verdict::Unknown,
            Some(account) if *account.password == *password => {
                Verdict::Known { email: &account.email }
            }
            Some(_) => Verdict::WrongPassword,
        }
    }

    pub(super) fn register(&mut self, nick: &Word<'_>, password: &Word<'_>, email: &Word<'_>) {
        let account =
            Account { password: password.as_bytes().into(), email: email.as_bytes().into() };
        self.by_nick.insert(key(nick.as_bytes()), account);
    }

    /// Bytes of all entries.
    pub(super) fn bytes(&self) -> usize {
        let texts = self
            .by_nick
            .iter()
            .map(|(nick, account)| nick.len() + account.password.len() + account.email.len());
        self.by_nick.len() * (size_of::<Box<[u8]>>() + size_of::<Account>()) + texts.sum::<usize>()
    }
}

/// Nicks that differ in case only are the same.
pub(super) fn key(nick: &[u8]) -> Box<[u8]> {
    nick.to_ascii_lowercase().into()
}
