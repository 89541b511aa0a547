//! tshark on the same stream: as a TCP connection in a capture, dissected but not printed. A program of its
//! own, so its CPU time is taken from the system.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use overlay_benches::child_cpu_seconds;
use overlay_benches::gnutella::Mix;

/// The stream is captured so often, so that starting the program matters less; what starting takes
/// is taken off besides.
const TIMES: usize = 20;
const RUNS: usize = 3;
/// A payload of TCP as Ethernet carries it.
const SEGMENT: usize = 1_460;

/// Seconds of CPU time that tshark takes for a stream.
pub fn seconds_a_stream(mix: &Mix) -> io::Result<f64> {
    let directory = Directory::new()?;
    let (empty, full) = (directory.0.join("empty.pcap"), directory.0.join("full.pcap"));
    fs::write(&empty, capture(&[]))?;
    fs::write(&full, capture(&mix.stream.repeat(TIMES)))?;
    let found = dissected(&full)?;
    let expected = TIMES * mix.holds.messages;
    if found != expected {
        return Err(io::Error::other(format!("it found {found} descriptors, expected {expected}")));
    }
    let least = |file: &Path| -> io::Result<f64> {
        let seconds: Vec<f64> = (0..RUNS).map(|_| seconds(file)).collect::<io::Result<_>>()?;
        Ok(seconds.into_iter().fold(f64::INFINITY, f64::min))
    };
    Ok((least(&full)? - least(&empty)?) / TIMES as f64)
}

fn tshark(file: &Path) -> Command {
    let mut command = Command::new("tshark");
    // No names of hosts or ports, and whatever it says about being run by root is not wanted.
    command.arg("-n").arg("-d").arg("tcp.port==6346,gnutella").arg("-r").arg(file);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

fn seconds(file: &Path) -> io::Result<f64> {
    let before = child_cpu_seconds()?;
    // A statistic that needs the dissection, so that it is not skipped.
    let status = tshark(file)
        .args(["-q", "-z", "io,stat,0,gnutella.header.id"])
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(io::Error::other(format!("{status}")));
    }
    Ok(child_cpu_seconds()? - before)
}

/// How many descriptors it finds.
fn dissected(file: &Path) -> io::Result<usize> {
    let output = tshark(file).args(["-T", "fields", "-e", "gnutella.header.payload"]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.split([',', '\n']).filter(|field| !field.trim().is_empty()).count())
}

/// A directory that goes away again.
struct Directory(PathBuf);

impl Directory {
    fn new() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("gnutella_vs-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left behind is only a file in a directory for such files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A pcap file (draft-ietf-opsawg-pcap) of raw IPv4: a SYN, then the stream in one direction.
fn capture(stream: &[u8]) -> Vec<u8> {
    const RAW_IP: u32 = 101;
    let mut file = Vec::with_capacity(stream.len() + stream.len() / 20 + 1_000);
    file.extend(0xa1b2_c3d4_u32.to_le_bytes());
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(65_535_u32.to_le_bytes());
    file.extend(RAW_IP.to_le_bytes());
    let (syn, ack) = (0x02, 0x10);
    packet(&mut file, 0, syn, &[]);
    for (index, segment) in stream.chunks(SEGMENT).enumerate() {
        let sequence = 1_u32.wrapping_add((index * SEGMENT) as u32);
        packet(&mut file, sequence, ack, segment);
    }
    file
}

fn packet(file: &mut Vec<u8>, sequence: u32, flags: u8, data: &[u8]) {
    let length = 40 + data.len();
    file.extend(sequence.to_le_bytes().map(|_| 0));
    file.extend([0; 4]);
    file.extend((length as u32).to_le_bytes());
    file.extend((length as u32).to_le_bytes());
    // IPv4 and TCP headers, checksums left out: tshark does not check them unless told to.
    file.extend([0x45, 0]);
    file.extend((length as u16).to_be_bytes());
    file.extend([0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    file.extend(6_346_u16.to_be_bytes());
    file.extend(50_000_u16.to_be_bytes());
    file.extend(sequence.to_be_bytes());
    file.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    file.extend_from_slice(data);
}
