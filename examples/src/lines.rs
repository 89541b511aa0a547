//! What happens in a program that keeps running, a line each: text or JSON.

use std::io::{self, Write};

use crate::escape;
use serde_json::Value;

/// Events of a program that keeps running, each a line on standard output.
#[derive(Debug)]
pub struct Lines {
    json: bool,
    /// Put before lines of text, where there is more than one servent.
    name: &'static str,
}

impl Lines {
    /// Text, or an object a line.
    pub fn new(json: bool) -> Self {
        Self { json, name: "" }
    }

    /// Text, each line begun with this.
    pub fn named(name: &'static str) -> Self {
        Self { json: false, name }
    }

    /// One event and what belongs to it, in this order. In text, what is not known is left out.
    ///
    /// # Errors
    /// Standard output takes no more.
    pub fn event(&mut self, event: &str, keys: &[(&str, Value)]) -> io::Result<()> {
        let mut line = String::new();
        if self.json {
            line.push_str("{\"event\":");
            line.push_str(&Value::from(event).to_string());
            for (key, value) in keys {
                line.push_str(&format!(",{}:{value}", Value::from(*key)));
            }
            line = escape::json(&line);
            line.push('}');
        } else {
            line.push_str(self.name);
            line.push_str(event);
            for (key, value) in keys.iter().filter(|(_, value)| !value.is_null()) {
                let text = match value {
                    Value::String(text) if text.is_empty() || text.contains([' ', '"']) => {
                        format!("{text:?}")
                    }
                    Value::String(text) => escape::text(text.as_bytes()),
                    value => value.to_string(),
                };
                line.push_str(&format!("  {key}={text}"));
            }
        }
        line.push('\n');
        let mut out = io::stdout().lock();
        out.write_all(line.as_bytes())?;
        out.flush()
    }

    /// Something that people should know: on standard error, and in JSON as an event.
    ///
    /// # Errors
    /// Standard output takes no more.
    pub fn trouble(&mut self, message: &str) -> io::Result<()> {
        self.note(message);
        self.error_event(message)
    }

    /// What is no event, for people only.
    pub fn note(&self, message: &str) {
        eprintln!("{}{}", self.name, escape::text(message.as_bytes()));
    }

    /// The event alone: people are told by who ends the program.
    ///
    /// # Errors
    /// Standard output takes no more.
    pub fn error_event(&mut self, message: &str) -> io::Result<()> {
        match self.json {
            true => self.event("error", &[("message", message.into())]),
            false => Ok(()),
        }
    }
}
