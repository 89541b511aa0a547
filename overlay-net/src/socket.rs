//! One TCP connection and its buffers.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BytesMut};
use overlay_peer::{Address, Coding, Link, Reason, Time};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::coding::{Deflater, Inflater};
use crate::ready::{Bell, Ready};

/// A connection: open, or closed by the peer and sending what was queued.
pub(crate) struct Socket<F> {
    stream: TcpStream,
    bell: Arc<Bell>,
    waker: Waker,
    /// `None`: the peer has closed it.
    pub link: Option<Link>,
    pub remote: Address,
    pub inbound: bool,
    pub phase: F,
    /// Received and inflated, and not a whole message yet, or one that waits.
    pub input: BytesMut,
    /// What `input` has to have before there can be a message in it.
    pub needed: usize,
    /// Received, and not inflated yet.
    pub packed: BytesMut,
    pub inflater: Option<Box<Inflater>>,
    /// To be sent, as it travels.
    output: BytesMut,
    /// To be sent, on a deflated link not deflated yet.
    plain: BytesMut,
    deflate: Deflate,
    /// `input` may have a whole message.
    pub backlog: bool,
    pub paused: bool,
    pub congested: bool,
    pub wants_writable: bool,
    /// It is in the list of sockets to flush.
    pub dirty: bool,
    /// It is in the list of sockets that wait for a rate.
    pub throttled: bool,
    /// Everything is read; why.
    pub ended: Option<Reason>,
    /// The other side has said that nothing more comes from it, and no more than that.
    pub half_closed: bool,
    /// Our side has said that nothing more comes.
    shut: bool,
    /// When something was last sent, or the queue began.
    pub progress: Time,
    /// When a closed one is given up.
    pub deadline: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deflate {
    Off,
    /// Nothing is sent yet.
    First,
    On,
}

/// So much is deflated at a time.
const BATCH: usize = 16 << 10;

/// A buffer that is not used keeps no more than this.
const KEEP: usize = 512;

impl<F: Default> Socket<F> {
    pub fn new(
        stream: TcpStream,
        token: u32,
        ready: &Arc<Ready>,
        remote: Address,
        inbound: bool,
        now: Time,
    ) -> Self {
        let bell = Bell::new(token, ready);
        let waker = Waker::from(bell.clone());
        Self {
            stream,
            bell,
            waker,
            link: None,
            remote,
            inbound,
            phase: F::default(),
            input: BytesMut::new(),
            needed: 1,
            packed: BytesMut::new(),
            inflater: None,
            output: BytesMut::new(),
            plain: BytesMut::new(),
            deflate: Deflate::Off,
            backlog: false,
            paused: false,
            congested: false,
            wants_writable: false,
            dirty: false,
            throttled: false,
            ended: None,
            half_closed: false,
            shut: false,
            progress: now,
            deadline: Time::MAX,
        }
    }
}

impl<F> Socket<F> {
    /// Its turn comes soon.
    pub fn ring(&self) {
        self.waker.wake_by_ref();
    }

    /// Its turn has come: from now on it can ring again.
    pub fn answer(&self) {
        self.bell.reset();
    }

    /// Where messages to be sent are encoded to.
    pub fn outgoing(&mut self) -> &mut BytesMut {
        if self.deflate == Deflate::Off { &mut self.output } else { &mut self.plain }
    }

    /// Bytes not sent yet.
    pub fn queued(&self) -> usize {
        self.output.len() + self.plain.len()
    }

    /// Bytes received and not taken yet.
    pub fn unread(&self) -> usize {
        self.input.len() + self.packed.len()
    }

    /// From here on bytes are packed so.
    pub fn set_coding(&mut self, coding: Coding) {
        if coding.inflate && self.inflater.is_none() {
            self.inflater = Some(Box::new(Inflater::new()));
            // What has been received beyond the current message is packed already.
            debug_assert!(self.packed.is_empty());
            self.packed = std::mem::take(&mut self.input);
        }
        if coding.deflate && self.deflate == Deflate::Off {
            self.deflate = Deflate::First;
        }
    }

    /// Sends what it can, at most `most` bytes. Returns how many, and whether it has to stop because of
    /// `most`.
    pub fn flush(
        &mut self,
        deflater: &mut Deflater,
        most: usize,
        now: Time,
    ) -> io::Result<(usize, bool)> {
        let mut sent = 0;
        let mut cx = Context::from_waker(&self.waker);
        loop {
            if self.output.is_empty() {
                if self.plain.is_empty() {
                    break;
                }
                let batch = self.plain.split_to(self.plain.len().min(BATCH));
                deflater.deflate(&batch, self.deflate == Deflate::First, &mut self.output);
                self.deflate = Deflate::On;
            }
            let end = self.output.len().min(most - sent);
            if end == 0 {
                return Ok((sent, true));
            }
            match Pin::new(&mut self.stream).poll_write(&mut cx, &self.output[..end]) {
                Poll::Pending => return Ok((sent, false)),
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => {
                    self.output.advance(written);
                    self.progress = now;
                    sent += written;
                }
            }
        }
        release(&mut self.output);
        release(&mut self.plain);
        Ok((sent, false))
    }

    /// Nobody reads it any more.
    pub fn discard_output(&mut self) {
        self.output = BytesMut::new();
        self.plain = BytesMut::new();
    }

    /// Reads what is there, at most `out.len()` bytes.
    pub fn read(&mut self, out: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut cx = Context::from_waker(&self.waker);
        let mut buffer = ReadBuf::new(out);
        match Pin::new(&mut self.stream).poll_read(&mut cx, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => Poll::Ready(Ok(buffer.filled().len())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        }
    }

    /// Says that nothing more comes from here.
    pub fn shut(&mut self) {
        if !self.shut {
            self.shut = true;
            let mut cx = Context::from_waker(&self.waker);
            let _ = Pin::new(&mut self.stream).poll_shutdown(&mut cx);
        }
    }

    pub fn is_shut(&self) -> bool {
        self.shut
    }

    /// Frees what an idle link does not need.
    pub fn release_input(&mut self) {
        release(&mut self.input);
        release(&mut self.packed);
    }
}

fn release(buffer: &mut BytesMut) {
    if buffer.is_empty() && buffer.capacity() > KEEP {
        *buffer = BytesMut::new();
    }
}
