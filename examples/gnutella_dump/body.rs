//! The body of a message as JSON: everything that gnutella-wire decodes, and the rest as hexadecimal
//! digits.

use gnutella_wire::{
    Bye, CrawledHost, CrawlerPong, HitResult, Limits, Message, Payload, Qrp, Query, QueryFlags,
    QueryHit, ReplyNumberRest, Trailer, Vendor, VendorId, VendorMessage, partial_ranges,
};
use serde_json::{Value, json};

use crate::extensions::{Budget, Fields, put_extensions, put_hex, put_text, put_xml};

/// The body of a message.
pub fn of(message: &Message<'_>) -> Fields {
    let budget = &mut Budget::new();
    let mut fields = Fields::new();
    match &message.payload {
        Payload::Ping(ping) => put_extensions(&mut fields, ping.extensions(), budget),
        Payload::Pong(pong) => {
            put(&mut fields, "address", pong.address.to_string());
            put(&mut fields, "files", pong.files);
            put(&mut fields, "kbytes", pong.kbytes);
            put(&mut fields, "ultrapeer", pong.is_ultrapeer());
            put_extensions(&mut fields, pong.extensions(), budget);
        }
        Payload::Bye(bye) => put_bye(&mut fields, bye),
        Payload::Qrp(qrp) => put_qrp(&mut fields, qrp),
        Payload::Vendor(vendor) => put_vendor(&mut fields, vendor, budget),
        Payload::Push(push) => {
            put(&mut fields, "servent", push.servent.to_string());
            put(&mut fields, "index", push.index);
            put(&mut fields, "address", push.address.to_string());
            put_extensions(&mut fields, push.extensions(), budget);
        }
        Payload::Query(query) => {
            put_query(&mut fields, query, budget);
            if query.flags().has(QueryFlags::OUT_OF_BAND) {
                put(&mut fields, "reply_address", message.guid.reply_address().to_string());
            }
        }
        Payload::QueryHit(hit) => put_hit(&mut fields, hit, budget),
        Payload::Unknown { payload_type, bytes } => {
            put(&mut fields, "payload_type", format!("{:02x}", payload_type.0));
            if let Some(name) = payload_type.name() {
                put(&mut fields, "name", name);
            }
            put_hex(&mut fields, "payload", bytes);
        }
        // What the crate learns to decode later.
        more => put(&mut fields, "debug", format!("{more:?}")),
    }
    fields
}

fn put(fields: &mut Fields, key: &str, value: impl Into<Value>) {
    fields.insert(key.into(), value.into());
}

fn put_bye(fields: &mut Fields, bye: &Bye<'_>) {
    put(fields, "code", bye.code);
    put_text(fields, "text", bye.message());
    let lines: Vec<Value> = bye
        .fields()
        .map(|(name, value)| {
            let mut line = Fields::new();
            put_text(&mut line, "name", name);
            put_text(&mut line, "value", value);
            line.into()
        })
        .collect();
    if !lines.is_empty() {
        put(fields, "fields", lines);
    }
    if let Some(end) = bye.body.iter().position(|&byte| byte == 0) {
        put_hex(fields, "rest", &bye.body[end + 1..]);
    }
}

fn put_qrp(fields: &mut Fields, qrp: &Qrp<'_>) {
    match qrp {
        Qrp::Reset { slots, infinity, rest } => {
            put(fields, "variant", "reset");
            put(fields, "slots", *slots);
            put(fields, "infinity", *infinity);
            put_hex(fields, "rest", rest);
        }
        Qrp::Patch(patch) => {
            put(fields, "variant", "patch");
            put(fields, "number", patch.number);
            put(fields, "count", patch.count);
            put(fields, "compressor", patch.compressor);
            put(fields, "entry_bits", patch.entry_bits);
            put(fields, "data_hex", hex::encode(patch.data));
        }
        more => put(fields, "debug", format!("{more:?}")),
    }
}

fn put_query(fields: &mut Fields, query: &Query<'_>, budget: &mut Budget) {
    const NAMES: [(u16, &str); 7] = [
        (QueryFlags::FIREWALLED, "firewalled"),
        (QueryFlags::XML, "xml"),
        (QueryFlags::LEAF_GUIDED, "leaf_guided"),
        (QueryFlags::GGEP_H, "ggep_h"),
        (QueryFlags::OUT_OF_BAND, "out_of_band"),
        (QueryFlags::FIREWALL_TRANSFER, "firewall_transfer"),
        (QueryFlags::RELIABLE_UDP, "reliable_udp"),
    ];
    let flags = query.flags();
    if let Some(kbits) = flags.min_speed() {
        put(fields, "min_speed", kbits);
    }
    if let Some(hits) = flags.max_hits() {
        let set = NAMES.iter().filter(|(bit, _)| flags.has(*bit));
        put(fields, "flags", set.map(|(_, name)| *name).collect::<Vec<_>>());
        put(fields, "max_hits", hits);
    }
    put_text(fields, "text", query.text());
    put(fields, "terminated", query.is_terminated());
    put_extensions(fields, query.extensions(), budget);
}

fn put_hit(fields: &mut Fields, hit: &QueryHit<'_>, budget: &mut Budget) {
    put(fields, "address", hit.address.to_string());
    put(fields, "speed", hit.speed);
    put(fields, "servent", hit.servent.to_string());
    let results: Vec<Value> = hit.results.map(|it| result_value(&it, budget)).collect();
    put(fields, "results", results);
    match hit.trailer() {
        Ok(None) => {}
        Ok(Some(trailer)) => put(fields, "trailer", trailer_value(&trailer, budget)),
        Err(error) => {
            put_hex(fields, "trailer", hit.trailer);
            put(fields, "trailer_error", error.to_string());
        }
    }
}

fn result_value(result: &HitResult<'_>, budget: &mut Budget) -> Value {
    let mut fields = Fields::new();
    put(&mut fields, "index", result.index);
    put_text(&mut fields, "name", result.name);
    put(&mut fields, "size", result.size);
    let extensions = result.extensions();
    // Both are numbers of a few bytes, which nobody deflates; and if, it is no more than these.
    let limits = Limits { inflated: 1_024, ..Limits::DEFAULT };
    if let Ok(size) = result.full_size(&limits) {
        if size != u64::from(result.size) {
            put(&mut fields, "full_size", size);
        }
        if let Ok(Some(ranges)) = partial_ranges(extensions, size, &limits) {
            let ranges = ranges.iter().map(|range| json!([range.start, range.end]));
            put(&mut fields, "ranges", ranges.collect::<Vec<_>>());
        }
    }
    put_extensions(&mut fields, extensions, budget);
    fields.into()
}

fn trailer_value(trailer: &Trailer<'_>, budget: &mut Budget) -> Value {
    let mut fields = Fields::new();
    put_text(&mut fields, "vendor", &trailer.vendor());
    let mut flags = Fields::new();
    for (name, value) in [
        ("push", trailer.push()),
        ("busy", trailer.busy()),
        ("uploaded", trailer.uploaded()),
        ("measured_speed", trailer.measured_speed()),
        ("ggep", trailer.ggep()),
    ] {
        if let Some(value) = value {
            put(&mut flags, name, value);
        }
    }
    put(&mut fields, "flags", flags);
    if let Some(chat) = trailer.chat() {
        put(&mut fields, "chat", chat);
    }
    put_hex(&mut fields, "open", trailer.open());
    put_hex(&mut fields, "private", trailer.private());
    if let Some(xml) = trailer.xml() {
        put_xml(&mut fields, xml, budget);
    }
    put_extensions(&mut fields, trailer.extensions(), budget);
    fields.into()
}

/// `LIME/12v2` as its parts.
fn put_id(fields: &mut Fields, id: VendorId) {
    match &id.vendor {
        [0, 0, 0, 0] => put(fields, "vendor", "null"),
        vendor => put_text(fields, "vendor", vendor),
    }
    put(fields, "selector", id.selector);
    put(fields, "version", id.version);
}

fn put_vendor(fields: &mut Fields, vendor: &Vendor<'_>, budget: &mut Budget) {
    put_id(fields, vendor.id);
    put(fields, "standard", vendor.standard);
    let Ok(message) = vendor.message() else {
        return put_hex(fields, "data", vendor.data);
    };
    let name = match message {
        VendorMessage::MessagesSupported(list) => {
            let entries = list.iter().map(|id| {
                let mut entry = Fields::new();
                put_id(&mut entry, id);
                Value::from(entry)
            });
            put(fields, "messages", entries.collect::<Vec<_>>());
            "messages_supported"
        }
        VendorMessage::Capabilities(list) => {
            let entries = list.iter().map(|(name, version)| {
                let mut entry = Fields::new();
                put_text(&mut entry, "name", &name);
                put(&mut entry, "version", version);
                Value::from(entry)
            });
            put(fields, "capabilities", entries.collect::<Vec<_>>());
            "capabilities"
        }
        VendorMessage::HopsFlow { hops } => {
            put(fields, "hops", hops);
            "hops_flow"
        }
        VendorMessage::TcpConnectBack { port } => {
            put(fields, "port", port);
            "tcp_connect_back"
        }
        VendorMessage::UdpConnectBack { port, guid, .. } => {
            put(fields, "port", port);
            if !guid.is_empty() {
                put(fields, "guid", hex::encode(guid));
            }
            "udp_connect_back"
        }
        VendorMessage::QueryStatusRequest => "query_status_request",
        VendorMessage::QueryStatus { results } => {
            put(fields, "results", results);
            put(fields, "stop", results == VendorMessage::STOP_QUERY);
            "query_status"
        }
        VendorMessage::ReplyAck { wanted, .. } => {
            put(fields, "wanted", wanted);
            put_extensions(fields, message.extensions(), budget);
            "reply_ack"
        }
        VendorMessage::ReplyNumber { results, unsolicited, rest, .. } => {
            put(fields, "results", results);
            put(fields, "unsolicited", unsolicited);
            if rest != ReplyNumberRest::default() {
                put_hex(fields, "data", vendor.data);
            }
            "reply_number"
        }
        VendorMessage::ProxyVeto { up_to } => {
            put(fields, "up_to", up_to);
            "proxy_veto"
        }
        VendorMessage::PushProxyRequest { .. } => "push_proxy_request",
        VendorMessage::PushProxyAck { ip, port, .. } => {
            put(fields, "ip", ip.map(|ip| ip.to_string()));
            put(fields, "port", port);
            "push_proxy_ack"
        }
        VendorMessage::PushProxyCancel => "push_proxy_cancel",
        VendorMessage::CrawlerPing { ultrapeers, leaves, features } => {
            put(fields, "ultrapeers", ultrapeers);
            put(fields, "leaves", leaves);
            put(fields, "features", crawler_features(features));
            "crawler_ping"
        }
        VendorMessage::CrawlerPong(pong) => {
            put(fields, "ultrapeers", pong.ultrapeers().map(crawled).collect::<Vec<_>>());
            put(fields, "leaves", pong.leaves().map(crawled).collect::<Vec<_>>());
            put(fields, "features", crawler_features(pong.features()));
            put_hex(fields, "user_agents", pong.user_agents());
            "crawler_pong"
        }
        // Others, and what the crate learns to decode later.
        _ => {
            put(fields, "data_hex", hex::encode(vendor.data));
            "other"
        }
    };
    put(fields, "message", name);
}

fn crawled(host: CrawledHost) -> Value {
    let mut fields = Fields::new();
    put(&mut fields, "address", host.address.to_string());
    if let Some(minutes) = host.minutes {
        put(&mut fields, "minutes", minutes);
    }
    if let Some(locale) = host.locale {
        put_text(&mut fields, "locale", &locale);
    }
    fields.into()
}

fn crawler_features(features: u8) -> Value {
    let names = [
        (CrawlerPong::CONNECTION_TIME, "connection_time"),
        (CrawlerPong::LOCALE, "locale"),
        (CrawlerPong::NEW_ONLY, "new_only"),
        (CrawlerPong::USER_AGENT, "user_agent"),
    ];
    let set = names.iter().filter(|(bit, _)| features & bit != 0);
    set.map(|(_, name)| *name).collect::<Vec<_>>().into()
}
