//! How a link becomes a user.

use napster_wire::{LinkSpeed, OwnedMessage, Text, Word, is_official_nick};
use overlay_peer::Link;

use super::accounts::{self, Verdict};
use super::{Cx, Library, Server, Stage, User, send, short_text};
use crate::{Event, MAX_NICK, Misbehaviour};

/// The longest password and address that an account keeps, in bytes.
const MAX_SECRET: usize = 128;

/// What the login ack carries in place of the address of a user who is not registered.
const NO_EMAIL: &str = "anon@unknown";

/// What both kinds of login tell about the user.
struct Applicant<'a> {
    nick: &'a Word<'static>,
    port: u16,
    link_speed: LinkSpeed,
}

impl Server {
    /// A message on a link that is not logged in.
    pub(super) fn stranger(&mut self, from: Link, message: &OwnedMessage, cx: &mut Cx<'_>) {
        match message {
            OwnedMessage::NickCheck(nick) => {
                let answer = if !valid_nick(nick) {
                    OwnedMessage::NickInvalid
                } else if self.accounts.contains(nick.as_bytes()) {
                    OwnedMessage::NickTaken
                } else {
                    OwnedMessage::NickFree
                };
                send(from, answer, cx);
            }
            OwnedMessage::Login(login) => {
                let email =
                    match self.accounts.check(login.nick.as_bytes(), login.password.as_bytes()) {
                        Verdict::Known { email } => Some(email.to_vec()),
                        Verdict::Unknown => None,
                        Verdict::WrongPassword => {
                            self.fail_login(from, "invalid password", cx);
                            return;
                        }
                    };
                let applicant =
                    Applicant { nick: &login.nick, port: login.port, link_speed: login.link_speed };
                // Only the owner of a registered nick can take it over from an older link, which
                // may be that of a machine that crashed.
                if email.is_some() {
                    self.replace(&login.nick, cx);
                }
                self.admit(from, &applicant, email, cx);
            }
            OwnedMessage::Register(registration) => {
                let Some(reason) = self.objection(&registration.nick) else {
                    if registration.password.as_bytes().len() > MAX_SECRET
                        || registration.email.as_bytes().len() > MAX_SECRET
                    {
                        self.fail_login(from, "the password or address is too long", cx);
                        return;
                    }
                    let applicant = Applicant {
                        nick: &registration.nick,
                        port: registration.port,
                        link_speed: registration.link_speed,
                    };
                    let email = registration.email.as_bytes().to_vec();
                    if self.admit(from, &applicant, Some(email), cx) {
                        self.accounts.register(
                            &registration.nick,
                            &registration.password,
                            &registration.email,
                        );
                    }
                    return;
                };
                self.fail_login(from, reason, cx);
            }
            other => {
                let type_number = other.type_number();
                cx.emit(Event::Misbehaved {
                    link: from,
                    what: Misbehaviour::NotLoggedIn { type_number },
                });
                self.fail_login(from, "not logged in", cx);
            }
        }
    }

    /// Refuses a login and closes the link.
    pub(super) fn fail_login(&mut self, link: Link, reason: &'static str, cx: &mut Cx<'_>) {
        send(link, OwnedMessage::LoginError(short_text(reason)), cx);
        cx.close(link);
        self.sessions.remove(&link);
    }

    /// Makes a user of a link, or refuses and closes it. Whether it is a user now.
    fn admit(
        &mut self,
        link: Link,
        applicant: &Applicant<'_>,
        email: Option<Vec<u8>>,
        cx: &mut Cx<'_>,
    ) -> bool {
        let nick = applicant.nick;
        let Some(session) = self.sessions.get_mut(&link) else {
            return false;
        };
        let refusal = if !valid_nick(nick) {
            Some("invalid nickname")
        } else if self.online.contains_key(&*accounts::key(nick.as_bytes())) {
            Some("the nickname is in use")
        } else if session.ip.is_none() {
            Some("the protocol carries IPv4 addresses only")
        } else {
            None
        };
        let (Some(ip), None) = (session.ip, refusal) else {
            self.fail_login(link, refusal.unwrap_or("no address"), cx);
            return false;
        };
        let user = User {
            nick: nick.clone(),
            link,
            ip,
            port: applicant.port,
            link_speed: applicant.link_speed,
            library: Library::default(),
            downloads: 0,
            uploads: 0,
        };
        let Some(id) = self.users.insert(user) else {
            self.fail_login(link, "the server is full", cx);
            return false;
        };
        session.stage = Stage::User(id);
        self.online.insert(accounts::key(nick.as_bytes()), id);
        let email = email.unwrap_or_else(|| NO_EMAIL.into());
        send(link, OwnedMessage::LoginAck(Text::new(email).unwrap_or(short_text(NO_EMAIL))), cx);
        cx.emit(Event::UserOnline { nick: nick.clone() });
        true
    }

    /// Why a nick can not be registered.
    fn objection(&self, nick: &Word<'_>) -> Option<&'static str> {
        if self.accounts.contains(nick.as_bytes()) {
            Some("the nickname is registered")
        } else if self.accounts.len() >= self.config.accounts {
            Some("the server takes no more registrations")
        } else {
            None
        }
    }

    /// Logs out the older link of a user whose password is proven.
    fn replace(&mut self, nick: &Word<'_>, cx: &mut Cx<'_>) {
        if let Some(older) = self.by_nick(nick).map(|user| user.link) {
            // By the protocol's text the server says 0 before it closes a link.
            send(older, OwnedMessage::Disconnect(short_text("0")), cx);
            cx.close(older);
            self.forget(older, cx);
        }
    }
}

fn valid_nick(nick: &Word<'_>) -> bool {
    nick.as_bytes().len() <= MAX_NICK && is_official_nick(nick.as_bytes())
}
