//! Who a client is, and how much it takes on at once.

use core::time::Duration;

use napster_wire::{FieldError, LinkSpeed, Quoted, Word, is_official_nick};

use crate::MAX_NICK;

/// The longest password, address or client name in bytes.
const MAX_TEXT: usize = 128;

/// Who a client is.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientConfig {
    pub(super) nick: Word<'static>,
    pub(super) password: Word<'static>,
    pub(super) email: Option<Word<'static>>,
    pub(super) client_info: Quoted<'static>,
    /// Whether the client takes no links from outside. It then logs in with data port 0, and others
    /// ask it to connect to them.
    pub firewalled: bool,
    /// How fast its line is, for others to choose by.
    pub link_speed: LinkSpeed,
    /// How much it takes on at once, and how long it waits.
    pub limits: ClientLimits,
}

impl ClientConfig {
    /// A client that takes links from outside.
    ///
    /// # Errors
    /// The nick is longer than [`MAX_NICK`] or not of the [official
    /// alphabet](is_official_nick), or the protocol can not carry the password.
    pub fn new(nick: impl Into<String>, password: impl Into<String>) -> Result<Self, ConfigError> {
        let nick = nick.into();
        if nick.len() > MAX_NICK || !is_official_nick(nick.as_bytes()) {
            return Err(ConfigError::Nick);
        }
        Ok(Self {
            nick: Word::try_from(nick)?,
            password: word(password.into())?,
            email: None,
            client_info: Quoted::try_from(concat!("overlay-napster ", env!("CARGO_PKG_VERSION")))?,
            firewalled: false,
            link_speed: LinkSpeed::UNKNOWN,
            limits: ClientLimits::default(),
        })
    }

    /// The client registers its nick with this electronic mail address when the server does not
    /// know it: it asks first (message 7), and sends message 6 instead of 2.
    ///
    /// # Errors
    /// The protocol can not carry the address.
    pub fn registering(mut self, email: impl Into<String>) -> Result<Self, ConfigError> {
        self.email = Some(word(email.into())?);
        Ok(self)
    }

    /// The client's name and version, for the server.
    ///
    /// # Errors
    /// The protocol can not carry it.
    pub fn client_info(mut self, info: impl Into<String>) -> Result<Self, ConfigError> {
        let info = info.into();
        check_len(info.len())?;
        self.client_info = Quoted::try_from(info)?;
        Ok(self)
    }

    /// Takes no links from outside.
    pub fn firewalled(mut self, firewalled: bool) -> Self {
        self.firewalled = firewalled;
        self
    }

    /// How fast the line is.
    pub fn link_speed(mut self, link_speed: LinkSpeed) -> Self {
        self.link_speed = link_speed;
        self
    }

    /// The user's name.
    pub fn nick(&self) -> &Word<'static> {
        &self.nick
    }
}

/// Without the password.
impl core::fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ClientConfig")
            .field("nick", &self.nick)
            .field("email", &self.email)
            .field("client_info", &self.client_info)
            .field("firewalled", &self.firewalled)
            .field("link_speed", &self.link_speed)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// How much a client takes on at once, and how long it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientLimits {
    /// Searches that wait for others to end.
    pub searches: usize,
    /// Downloads under way.
    pub fetches: usize,
    /// Uploads under way.
    pub uploads: usize,
    /// Uploads that wait for others to end. Whoever asks beyond that is turned away.
    pub waiting_uploads: usize,
    /// Links that others opened and have not said yet what for.
    pub strangers: usize,
    /// How long the server has for an answer, and another client for the next step before a
    /// transfer starts.
    pub answer_timeout: Duration,
    /// How long a transfer may stand still, or wait for a place at the other client.
    pub transfer_timeout: Duration,
}

/// 64 searches, 64 downloads, 8 uploads and 32 that wait, 32 strangers; 30 s for an answer, 60 s for
/// a transfer that stands still.
impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            searches: 64,
            fetches: 64,
            uploads: 8,
            waiting_uploads: 32,
            strangers: 32,
            answer_timeout: Duration::from_secs(30),
            transfer_timeout: Duration::from_secs(60),
        }
    }
}

/// Why a client can not be configured so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Servers do not accept such a nick.
    #[error("a nick has 1 to {MAX_NICK} characters: letters, digits and _[]{{}}-@^!$")]
    Nick,
    /// The protocol can not carry the text.
    #[error("the text can not be sent: {0}")]
    Text(#[from] FieldError),
}

fn word(text: String) -> Result<Word<'static>, ConfigError> {
    check_len(text.len())?;
    Ok(Word::try_from(text)?)
}

fn check_len(len: usize) -> Result<(), FieldError> {
    if len > MAX_TEXT { Err(FieldError::TooLong { len, max: MAX_TEXT }) } else { Ok(()) }
}
