//! Handshakes: both sides take any bytes, the same however they are cut; what one side says the other
//! understands.

use gnutella_wire::{
    Decoded, Handshake, HandshakeError, HandshakeEvent, Head, Limits, Local, Offer, Role,
    TransferFields,
};

use crate::cuts::cuts;

const LIMITS: Limits = Limits { head_bytes: 512, head_lines: 12, ..Limits::DEFAULT };

/// Checks one input: a byte that says who we are, then what the other side says.
pub fn check(data: &[u8]) {
    let [how, bytes @ ..] = data else { return };
    let role = [Role::Ultrapeer, Role::Leaf, Role::Plain][usize::from(how % 3)];
    let mut local = Local::new(role, "fuzz/1");
    (local.may_become_leaf, local.ultrapeers_needed) = (how & 8 != 0, how & 16 != 0);
    (local.inflates, local.deflates) = (how & 32 != 0, how & 64 != 0);
    let (caller, connect) = Handshake::connect(local.clone());
    let mut other = Handshake::accept(Local::new(Role::Ultrapeer, "other/1"));
    assert_eq!(other.receive(connect.borrow()), Ok(HandshakeEvent::Offered));
    assert!(other.welcome().is_ok());
    let cuts = cuts(bytes);
    // What the bytes mean to who opened the connection, and to who accepted it.
    for side in [caller, Handshake::accept(local)] {
        let whole = one_side(side.clone(), bytes, &[bytes.len()]);
        assert_eq!(one_side(side, bytes, &cuts), whole, "cut at {cuts:?}");
    }
    if let Ok(Decoded::Complete { value, .. }) = Head::decode_prefix(bytes, &LIMITS) {
        fields(value);
    }
}

fn one_side(
    mut handshake: Handshake,
    bytes: &[u8],
    cuts: &[usize],
) -> (Vec<HandshakeEvent>, Option<HandshakeError>) {
    let mut events = Vec::new();
    let (mut start, mut end) = (0, 0);
    let mut cuts = cuts.iter();
    loop {
        match handshake.receive_prefix(&bytes[start..end], &LIMITS) {
            Ok(Decoded::Complete { value, consumed }) => {
                start += consumed;
                let over = match &value {
                    HandshakeEvent::Offered => {
                        let (head, link) = handshake.welcome().expect("an offer");
                        assert!(handshake.refuse(503, "late", &[]).is_err());
                        assert!(!head.borrow().start_line().is_empty());
                        link.is_some()
                    }
                    HandshakeEvent::Up { .. } | HandshakeEvent::Refused { .. } => true,
                };
                events.push(value);
                if over {
                    let late = Head::decode(b"GNUTELLA/0.6 200 OK\r\n\r\n").expect("a head");
                    assert_eq!(handshake.receive(late), Err(HandshakeError::OutOfTurn));
                    return (events, None);
                }
            }
            Ok(Decoded::Partial { needed }) => {
                assert!(needed >= 1);
                match cuts.next() {
                    Some(next) => end = *next,
                    None => return (events, None),
                }
            }
            Err(error) => return (events, Some(error)),
        }
    }
}

/// Every field, of handshakes and of transfers.
pub fn fields(head: Head<'_>) {
    let offer = Offer::of(head);
    let versions = [
        offer.query_routing(),
        offer.ultrapeer_query_routing(),
        offer.dynamic_querying(),
        offer.extended_probes(),
        offer.ggep(),
        offer.vendor_messages(),
        offer.pong_caching(),
        offer.bye_packet(),
        offer.crawler(),
    ];
    assert!(versions.iter().flatten().count() <= head.fields().count());
    let _ = (offer.max_ttl(), offer.degree(), offer.remote_ip(), offer.listen_address());
    let _ = (offer.guid(), offer.try_hosts().count(), offer.try_ultrapeers().count());
    let transfer = TransferFields::of(head);
    let _ = (transfer.content_urns().count(), transfer.alternate_locations().count());
    let _ = (transfer.former_locations().count(), transfer.push_proxies().count());
    let _ = (transfer.available_ranges().count(), transfer.queue_place(), transfer.thex());
    let _ = transfer.retry_after();
}
