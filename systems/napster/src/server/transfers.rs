//! How the server introduces clients to each other, and counts what they report.

use napster_wire::{Extra, FileReference, FileSource, IpNumber, OwnedMessage, Share, Word};
use overlay_peer::Link;

use super::index::UserId;
use super::{Cx, Server, User, send};

impl Server {
    /// Message 203: tells where the user is who has the file.
    pub(super) fn download_request(
        &mut self,
        from: Link,
        file: &FileReference<'static>,
        cx: &mut Cx<'_>,
    ) {
        let answer = match self.supplier(file) {
            Some((supplier, share)) => OwnedMessage::DownloadAck(source(supplier, share)),
            None => OwnedMessage::GetError(file.clone()),
        };
        send(from, answer, cx);
    }

    /// Message 500: asks the user who has the file to connect to the one who wants it.
    pub(super) fn alternate_request(
        &mut self,
        from: Link,
        user: UserId,
        file: &FileReference<'static>,
        cx: &mut Cx<'_>,
    ) {
        let requester = self.users.get(user).filter(|requester| requester.port != 0);
        match (self.supplier(file), requester) {
            (Some((supplier, share)), Some(requester)) => {
                let (to, message) = (supplier.link, source(requester, share));
                send(to, OwnedMessage::AlternateAck(message), cx);
            }
            _ => send(from, OwnedMessage::GetError(file.clone()), cx),
        }
    }

    /// Message 626: tells a user that the data port can not be reached.
    pub(super) fn data_port_error(&mut self, user: UserId, nick: &Word<'_>, cx: &mut Cx<'_>) {
        if let (Some(target), Some(reporter)) = (self.by_nick(nick), self.users.get(user)) {
            let (to, nick) = (target.link, reporter.nick.clone());
            send(to, OwnedMessage::DataPortError(nick), cx);
        }
    }

    /// Messages 218 to 221: a user's transfers, by the user's own word.
    pub(super) fn count(&mut self, user: UserId, counter: impl Fn(&mut User) -> &mut u32, by: i32) {
        if let Some(user) = self.users.get_mut(user) {
            let counter = counter(user);
            *counter = counter.saturating_add_signed(by);
        }
    }

    fn supplier(&self, file: &FileReference<'_>) -> Option<(&User, &Share<'static>)> {
        let supplier = self.by_nick(&file.nick)?;
        Some((supplier, self.index.find(&supplier.library, file.name.as_bytes())?))
    }
}

/// Where `user` is, for a transfer of this file.
fn source(user: &User, share: &Share<'static>) -> FileSource<'static> {
    FileSource {
        nick: user.nick.clone(),
        ip: IpNumber::from(user.ip),
        port: user.port,
        name: share.name.clone(),
        checksum: share.checksum.clone(),
        link_speed: user.link_speed,
        extra: Extra::NONE,
    }
}
