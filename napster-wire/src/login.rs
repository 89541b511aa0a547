//! Messages 2 and 6: a client introduces itself.

use crate::cursor::Cursor;
use crate::sink::Sink;
use crate::{DecodeError, Extra, LinkSpeed, Quoted, Word};

/// Message 2, from a client: log in.
///
/// `<nick> <password> <port> "<client-info>" <link-type> [<build>]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login<'a> {
    /// The user's name.
    pub nick: Word<'a>,
    /// The password, in the clear.
    pub password: Word<'a>,
    /// The TCP port the client takes transfers on; 0 behind a firewall that lets none in.
    pub port: u16,
    /// The client's name and version.
    pub client_info: Quoted<'a>,
    /// How fast the user says the line is.
    pub link_speed: LinkSpeed,
    /// Whatever follows; the official Windows client sent its [build number](Self::build).
    pub extra: Extra<'a>,
}

impl<'a> Login<'a> {
    pub(crate) fn read(mut cursor: Cursor<'a>) -> Result<Self, DecodeError> {
        let (nick, password, port, client_info, link_speed) = read_common(&mut cursor)?;
        let extra = cursor.extra()?;
        Ok(Self { nick, password, port, client_info, link_speed, extra })
    }

    pub(crate) fn write(&self, out: &mut impl Sink) {
        write_common(
            (&self.nick, &self.password, self.port, &self.client_info, self.link_speed),
            out,
        );
        out.extra(&self.extra);
    }

    /// The build number of the Windows client, if one follows.
    pub fn build(&self) -> Option<u32> {
        core::str::from_utf8(self.extra.first()?).ok()?.parse().ok()
    }

    /// The same message with its own bytes.
    pub fn into_owned(self) -> Login<'static> {
        Login {
            nick: self.nick.into_owned(),
            password: self.password.into_owned(),
            port: self.port,
            client_info: self.client_info.into_owned(),
            link_speed: self.link_speed,
            extra: self.extra.into_owned(),
        }
    }
}

/// Message 6, from a client: register the nick and log in.
///
/// `<nick> <password> <port> "<client-info>" <link-type> <email>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration<'a> {
    /// The user's name, so far not registered.
    pub nick: Word<'a>,
    /// The password, in the clear.
    pub password: Word<'a>,
    /// The TCP port the client takes transfers on; 0 behind a firewall that lets none in.
    pub port: u16,
    /// The client's name and version.
    pub client_info: Quoted<'a>,
    /// How fast the user says the line is.
    pub link_speed: LinkSpeed,
    /// The user's electronic mail address.
    pub email: Word<'a>,
    /// Whatever follows.
    pub extra: Extra<'a>,
}

impl<'a> Registration<'a> {
    pub(crate) fn read(mut cursor: Cursor<'a>) -> Result<Self, DecodeError> {
        let (nick, password, port, client_info, link_speed) = read_common(&mut cursor)?;
        cursor.space("email address")?;
        let email = cursor.word("email address")?;
        let extra = cursor.extra()?;
        Ok(Self { nick, password, port, client_info, link_speed, email, extra })
    }

    pub(crate) fn write(&self, out: &mut impl Sink) {
        write_common(
            (&self.nick, &self.password, self.port, &self.client_info, self.link_speed),
            out,
        );
        out.space();
        out.word(&self.email);
        out.extra(&self.extra);
    }

    /// The same message with its own bytes.
    pub fn into_owned(self) -> Registration<'static> {
        Registration {
            nick: self.nick.into_owned(),
            password: self.password.into_owned(),
            port: self.port,
            client_info: self.client_info.into_owned(),
            link_speed: self.link_speed,
            email: self.email.into_owned(),
            extra: self.extra.into_owned(),
        }
    }
}

type Common<N, C> = (N, N, u16, C, LinkSpeed);

fn read_common<'a>(cursor: &mut Cursor<'a>) -> Result<Common<Word<'a>, Quoted<'a>>, DecodeError> {
    let nick = cursor.word("nick")?;
    cursor.space("password")?;
    let password = cursor.word("password")?;
    cursor.space("port")?;
    let port = cursor.u16("port")?;
    cursor.space("client info")?;
    let client_info = cursor.quoted("client info")?;
    cursor.space("link type")?;
    let link_speed = LinkSpeed(cursor.u32("link type")?);
    Ok((nick, password, port, client_info, link_speed))
}

fn write_common(common: Common<&Word<'_>, &Quoted<'_>>, out: &mut impl Sink) {
    let (nick, password, port, client_info, link_speed) = common;
    out.word(nick);
    out.space();
    out.word(password);
    out.space();
    out.number(port);
    out.space();
    out.quoted(client_info);
    out.space();
    out.number(link_speed.0);
}
