//! A client's link to the server: login, and what the server says.

use napster_wire::{Login, OwnedMessage, Registration, Text};
use overlay_peer::{Address, Link, Reason, Time, Wire};

use super::{Client, Cx, Use, send};
use crate::{Event, JoinFailure, Message, Misbehaviour};

/// How far the client is with its server.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Session {
    #[default]
    Offline,
    /// The link is not open, or the login not acknowledged yet.
    LoggingIn {
        link: Link,
        server: Address,
        deadline: Time,
    },
    Online {
        link: Link,
    },
}

impl Client {
    pub(super) fn join(&mut self, server: Address, cx: &mut Cx<'_>) {
        if !matches!(self.session, Session::Offline) {
            cx.emit(Event::Refused { reason: JoinFailure::AlreadyJoined });
            return;
        }
        let link = cx.connect(server);
        let deadline = cx.now() + self.config.limits.answer_timeout;
        self.session = Session::LoggingIn { link, server, deadline };
        self.links.insert(link, Use::Server);
        self.alarm.arm(deadline, cx);
    }

    pub(super) fn leave(&mut self, cx: &mut Cx<'_>) {
        if let Session::LoggingIn { link, .. } | Session::Online { link } = self.session {
            cx.close(link);
            self.links.remove(&link);
            self.offline(cx);
        }
    }

    /// The link to the server, if the client is logged in.
    pub(super) fn online(&self) -> Option<Link> {
        match self.session {
            Session::Online { link } => Some(link),
            _ => None,
        }
    }

    /// Whether the client is logged in at a server.
    pub fn is_online(&self) -> bool {
        self.online().is_some()
    }

    pub(super) fn server_opened(&mut self, link: Link, cx: &mut Cx<'_>) {
        if self.config.email.is_some() {
            send(link, OwnedMessage::NickCheck(self.config.nick.clone()), cx);
        } else {
            self.log_in(link, cx);
        }
    }

    pub(super) fn server_closed(&mut self, reason: Reason, cx: &mut Cx<'_>) {
        match self.session {
            Session::LoggingIn { .. } => {
                cx.emit(Event::Refused { reason: JoinFailure::Link(reason) });
            }
            Session::Online { .. } => cx.emit(Event::Disconnected { reason }),
            Session::Offline => {}
        }
        self.offline(cx);
    }

    pub(super) fn server_message(&mut self, from: Link, message: &Message, cx: &mut Cx<'_>) {
        let Message::Frame(frame) = message else {
            self.server_misbehaves(from, Misbehaviour::OutOfPlace { kind: message.kind() }, cx);
            return;
        };
        match (self.session, &**frame) {
            (Session::LoggingIn { server, .. }, answer) => {
                self.login_answer(from, server, answer, cx);
            }
            (_, OwnedMessage::SearchResult(result)) if self.is_searching() => {
                self.search_result(result, cx);
            }
            (_, OwnedMessage::SearchEnd) if self.is_searching() => self.search_end(cx),
            (_, OwnedMessage::DownloadAck(source)) => self.download_ack(source, cx),
            (_, OwnedMessage::GetError(file)) => self.get_error(file, cx),
            (_, OwnedMessage::AlternateAck(source)) => self.push_asked(from, source, cx),
            (_, OwnedMessage::Stats(stats)) => cx.emit(Event::Stats {
                users: stats.users,
                files: stats.files,
                gigabytes: stats.gigabytes,
            }),
            (_, OwnedMessage::Error(text) | OwnedMessage::Disconnect(text)) => {
                cx.emit(Event::Notice { text: text.to_string() });
            }
            // Someone could not reach our data port. The alternate request that follows is served
            // all the same.
            (_, OwnedMessage::DataPortError(_)) => {}
            (_, OwnedMessage::Raw(raw)) => {
                // Servers send much that this client has no use for. Known types are another matter.
                let type_number = raw.type_number();
                if napster_wire::type_name(type_number).is_some() {
                    let what = Misbehaviour::Unreadable { type_number };
                    cx.emit(Event::Misbehaved { link: from, what });
                }
            }
            _ => {
                // Results of no search, or a message that only clients send: of no consequence.
                let what = Misbehaviour::OutOfPlace { kind: message.kind() };
                cx.emit(Event::Misbehaved { link: from, what });
            }
        }
    }

    /// Gives up a login that takes too long.
    pub(super) fn expire_login(&mut self, cx: &mut Cx<'_>) {
        if let Session::LoggingIn { link, deadline, .. } = self.session
            && deadline <= cx.now()
        {
            self.refused(link, JoinFailure::TimedOut, cx);
        }
    }

    pub(super) fn login_deadline(&self) -> Option<Time> {
        match self.session {
            Session::LoggingIn { deadline, .. } => Some(deadline),
            _ => None,
        }
    }

    fn login_answer(
        &mut self,
        from: Link,
        server: Address,
        answer: &OwnedMessage,
        cx: &mut Cx<'_>,
    ) {
        match answer {
            OwnedMessage::NickFree => self.register(from, cx),
            OwnedMessage::NickTaken => self.log_in(from, cx),
            OwnedMessage::NickInvalid => self.refused(from, JoinFailure::InvalidNick, cx),
            OwnedMessage::LoginError(text) => {
                self.refused(from, JoinFailure::Server(Text::to_string(text)), cx);
            }
            OwnedMessage::LoginAck(_) => {
                self.session = Session::Online { link: from };
                cx.emit(Event::Joined { server });
                self.announce_all(cx);
            }
            // Real servers send statistics, messages of the day and more around the login.
            _ => {}
        }
    }

    fn log_in(&mut self, link: Link, cx: &mut Cx<'_>) {
        let login = Login {
            nick: self.config.nick.clone(),
            password: self.config.password.clone(),
            port: self.data_port(cx),
            client_info: self.config.client_info.clone(),
            link_speed: self.config.link_speed,
            extra: napster_wire::Extra::NONE,
        };
        send(link, OwnedMessage::Login(login), cx);
    }

    fn register(&mut self, link: Link, cx: &mut Cx<'_>) {
        let Some(email) = self.config.email.clone() else {
            return;
        };
        let registration = Registration {
            nick: self.config.nick.clone(),
            password: self.config.password.clone(),
            port: self.data_port(cx),
            client_info: self.config.client_info.clone(),
            link_speed: self.config.link_speed,
            email,
            extra: napster_wire::Extra::NONE,
        };
        send(link, OwnedMessage::Register(registration), cx);
    }

    /// The port others can connect to; 0 if they can not.
    fn data_port(&self, cx: &Cx<'_>) -> u16 {
        if self.config.firewalled { 0 } else { cx.here().port() }
    }

    fn refused(&mut self, link: Link, reason: JoinFailure, cx: &mut Cx<'_>) {
        cx.emit(Event::Refused { reason });
        cx.close(link);
        self.links.remove(&link);
        self.offline(cx);
    }

    fn server_misbehaves(&mut self, link: Link, what: Misbehaviour, cx: &mut Cx<'_>) {
        cx.emit(Event::Misbehaved { link, what });
        cx.close(link);
        self.links.remove(&link);
        self.server_closed(Reason::Malformed, cx);
    }

    fn offline(&mut self, cx: &mut Cx<'_>) {
        self.session = Session::Offline;
        self.fail_searches(cx);
        self.fail_fetches_at_server(cx);
    }
}
