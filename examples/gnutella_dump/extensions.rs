//! Extensions as JSON: GGEP by id, urns, XML, and what is none of these.

use gnutella_wire::{DecodeError, Extension, Extensions, GgepItem, GgepValue, Limits, Urn, Xml};
use serde_json::{Map, Value, json};

pub type Fields = Map<String, Value>;

/// How many bytes all deflated parts of a message may become together. Without it, a message of a
/// thousand little ones would be a line of a hundred megabytes.
const INFLATED: usize = 1 << 20;

/// What is left of [`INFLATED`].
pub struct Budget(usize);

impl Budget {
    pub fn new() -> Self {
        Self(INFLATED)
    }

    fn limits(&self) -> Limits {
        let inflated = Limits::DEFAULT.inflated.min(self.0);
        Limits { inflated, ..Limits::DEFAULT }
    }

    fn spend(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(bytes);
    }

    /// The data of an extension, as long as there is some budget.
    fn data<'a>(&mut self, item: &GgepItem<'a>) -> Result<std::borrow::Cow<'a, [u8]>, DecodeError> {
        let data = item.data(&self.limits())?;
        if item.is_deflated() {
            self.spend(data.len());
        }
        Ok(data)
    }
}

/// Text of unknown encoding: where it is no UTF-8, `KEY_hex` has its bytes.
pub fn put_text(fields: &mut Fields, key: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if std::str::from_utf8(bytes).is_err() {
        fields.insert(format!("{key}_hex"), hex::encode(bytes).into());
    }
    fields.insert(key.into(), text.into());
}

/// Bytes that are not looked into, unless there are none.
pub fn put_hex(fields: &mut Fields, key: &str, bytes: &[u8]) {
    if !bytes.is_empty() {
        fields.insert(format!("{key}_hex"), hex::encode(bytes).into());
    }
}

/// Adds `ggep`, `urns`, `xml` and `other`, those that are there.
pub fn put_extensions(fields: &mut Fields, extensions: Extensions<'_>, budget: &mut Budget) {
    let (mut ggep, mut urns, mut other) = (Fields::new(), Vec::new(), Vec::new());
    for extension in extensions {
        match extension {
            Extension::Ggep(block) => {
                for item in block {
                    put_ggep(&mut ggep, &item, budget);
                }
            }
            Extension::Urn(text) => match Urn::parse(text) {
                Ok(urn) => urns.push(urn.to_string().into()),
                // `urn:` alone asks for urns in the answers.
                Err(_) => urns.push(text_value(text)),
            },
            Extension::Xml(xml) if !fields.contains_key("xml") => put_xml(fields, xml, budget),
            Extension::Xml(xml) => other.push(text_value(xml.as_bytes())),
            Extension::Other(bytes) => other.push(text_value(bytes)),
            // What the crate learns to tell apart later.
            more => other.push(format!("{more:?}").into()),
        }
    }
    if !ggep.is_empty() {
        fields.insert("ggep".into(), ggep.into());
    }
    for (key, list) in [("urns", urns), ("other", other)] {
        if !list.is_empty() {
            fields.insert(key.into(), list.into());
        }
    }
}

pub fn put_xml(fields: &mut Fields, xml: Xml<'_>, budget: &mut Budget) {
    match xml.text(&budget.limits()) {
        Ok(text) => {
            budget.spend(text.len());
            put_text(fields, "xml", &text);
        }
        Err(error) => {
            put_hex(fields, "xml", xml.as_bytes());
            fields.insert("xml_error".into(), error.to_string().into());
        }
    }
}

/// An entry of a list: a string, or an object of `text` and `text_hex` if it is no UTF-8.
fn text_value(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => {
            let mut fields = Fields::new();
            put_text(&mut fields, "text", bytes);
            fields.into()
        }
    }
}

/// Under its id; the second one of the same id under `ID#2`.
fn put_ggep(ggep: &mut Fields, item: &GgepItem<'_>, budget: &mut Budget) {
    // Ids are printable ASCII.
    let id = String::from_utf8_lossy(item.id()).into_owned();
    let mut key = id.clone();
    let mut number = 1;
    while ggep.contains_key(&key) {
        number += 1;
        key = format!("{id}#{number}");
    }
    let value = match budget.data(item) {
        Ok(data) => match GgepValue::decode(item.id(), &data) {
            Ok(value) => ggep_value(&value),
            Err(error) => json!({ "hex": hex::encode(&data), "error": error.to_string() }),
        },
        Err(error) => json!({ "hex": hex::encode(item.raw()), "error": error.to_string() }),
    };
    ggep.insert(key, value);
}

fn ggep_value(value: &GgepValue<'_>) -> Value {
    match value {
        GgepValue::Addresses(list) => list.iter().map(|address| address.to_string()).collect(),
        GgepValue::ObservedAddress(address) => json!(address.map(|it| it.to_string())),
        GgepValue::Ipv6(ip) => json!(ip.map(|it| it.to_string())),
        GgepValue::Number(number) => json!(number),
        GgepValue::Vendor { vendor, version } => {
            let mut fields = Fields::new();
            put_text(&mut fields, "vendor", vendor);
            if let Some(version) = version {
                fields.insert("version".into(), major_minor(*version));
            }
            fields.into()
        }
        GgepValue::Ultrapeer { version, leaves, ultrapeers } => json!({
            "version": major_minor(*version),
            "leaves": leaves,
            "ultrapeers": ultrapeers,
        }),
        GgepValue::HostsWanted { flags } => {
            let names = ["ultrapeers", "tls", "ipv6", "ipv6_only"];
            let set = |bit: &usize| flags >> bit & 1 != 0;
            json!({
                "flags": (0..names.len()).filter(set).map(|bit| names[bit]).collect::<Vec<_>>(),
                "hex": format!("{flags:02x}"),
            })
        }
        GgepValue::Hash(urn) => json!(urn.to_string()),
        GgepValue::TigerRoot(root) => json!(Urn::TigerRoot(*root).to_string()),
        GgepValue::Other(data) => json!({ "hex": hex::encode(data) }),
        more => json!(format!("{more:?}")),
    }
}

/// A version in one byte, major in the upper four bits.
fn major_minor(byte: u8) -> Value {
    format!("{}.{}", byte >> 4, byte & 15).into()
}
