//! A process that is measured: this program, started again as a node.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A node in a process of its own, which serves until this is dropped.
#[derive(Debug)]
pub struct Served {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// Where its nodes listen.
    pub addresses: Vec<SocketAddr>,
}

impl Served {
    /// Starts this program as `serve` with more arguments. It tells its addresses in its first line.
    ///
    /// # Errors
    /// It can not be started, or tells something else.
    pub fn start(args: &[&str]) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve").args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut served = Self { child, input, output: BufReader::new(output), addresses: vec![] };
        let line = served.line()?;
        let addresses = line.split_whitespace().map(|text| text.parse().map_err(io::Error::other));
        served.addresses = addresses.collect::<io::Result<_>>()?;
        Ok(served)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(io::Error::other("the node has ended"));
        }
        Ok(line)
    }

    /// What its nodes counted, all together: its answer to the line `stats`, as JSON.
    ///
    /// # Errors
    /// It has ended, or answers something else.
    pub fn stats(&mut self) -> io::Result<Value> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(b"stats\n")?;
        input.flush()?;
        Ok(serde_json::from_str(&self.line()?)?)
    }

    /// What it has taken so far.
    ///
    /// # Errors
    /// As [`Usage::of`].
    pub fn usage(&self) -> io::Result<Usage> {
        Usage::of(self.child.id())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}

/// What a process has taken so far.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// CPU time, in user mode and in the kernel, good to hundredths.
    pub cpu_seconds: f64,
    /// Memory now.
    pub resident_bytes: u64,
    /// The most memory there ever was.
    pub peak_bytes: u64,
}

impl Usage {
    /// Of a running process, from `/proc`, so on Linux only. Threads that have ended count.
    ///
    /// # Errors
    /// There is no such process, or its files do not have the fields that proc(5) says.
    pub fn of(process: u32) -> io::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let ticks: Option<u64> = fields
            .split_ascii_whitespace()
            .skip(11)
            .take(2)
            .map(|field| field.parse::<u64>().ok())
            .sum();
        let ticks = ticks.ok_or_else(|| io::Error::other("stat is not as expected"))?;
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let kbytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            number.ok_or_else(|| io::Error::other(format!("status has no {name}")))
        };
        Ok(Self {
            cpu_seconds: ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
            resident_bytes: kbytes("VmRSS:")? * 1_024,
            peak_bytes: kbytes("VmHWM:")? * 1_024,
        })
    }
}
