//! A file from one node to another, beside the same file from nginx to curl.

use std::fs;
use std::io::{self, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use overlay_benches::{Served, Usage, child_cpu_seconds};

use crate::node::{NAME, loopback};
use crate::{Line, Options};

/// What one transfer took, both sides together.
#[derive(Clone, Copy)]
struct Took {
    serving: f64,
    fetching: f64,
}

pub(crate) fn run(options: &Options) -> io::Result<()> {
    const CASE: &str = "transfer";
    if !options.wants(CASE) {
        return Ok(());
    }
    let bytes = u32::try_from(options.bytes).map_err(io::Error::other)?;
    let room = tempfile::tempdir()?;
    let (shared, into) = (room.path().join("shared"), room.path().join("into"));
    fs::create_dir(&shared)?;
    make(&shared.join(NAME), options.bytes)?;

    let served =
        Served::start(&["--system", "gnutella-0.4", "--share", &shared.display().to_string()])?;
    let nginx = Nginx::start(room.path(), &shared).inspect_err(|error| {
        eprintln!("nginx or curl can not be compared with: {error}");
    });
    let nginx = nginx.ok();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("fetch").arg("--from").arg(served.addresses[0].to_string());
        command.arg("--bytes").arg(bytes.to_string()).arg("--into").arg(&into);
        ours.push(transfer(&mut command, &into, || served.usage())?);
        check(&shared, &into, options.bytes)?;
        if let Some(nginx) = &nginx {
            let mut command = Command::new("curl");
            command.arg("--silent").arg("--fail").arg("--output").arg(into.join(NAME));
            command.arg(format!("http://{}/{NAME}", nginx.address));
            theirs.push(transfer(&mut command, &into, || Usage::of(nginx.child.id()))?);
            check(&shared, &into, options.bytes)?;
        }
    }
    let mut line = Line::new(CASE, "CPU-seconds, both sides", median(&ours, Took::all));
    line.other.insert("ours, serving", median(&ours, |took| took.serving));
    line.other.insert("ours, fetching", median(&ours, |took| took.fetching));
    line.other.insert("server's peak resident MB", served.usage()?.peak_bytes as f64 / 1e6);
    if !theirs.is_empty() {
        line.peers.insert("nginx and curl", median(&theirs, Took::all));
        line.other.insert("nginx, serving", median(&theirs, |took| took.serving));
        line.other.insert("curl, fetching", median(&theirs, |took| took.fetching));
    }
    line.print(options.json)
}

impl Took {
    fn all(self) -> f64 {
        self.serving + self.fetching
    }
}

fn median(all: &[Took], of: impl Fn(Took) -> f64) -> f64 {
    let mut values: Vec<_> = all.iter().map(|&took| of(took)).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Runs who fetches, into an empty directory.
fn transfer(
    command: &mut Command,
    into: &Path,
    server: impl Fn() -> io::Result<Usage>,
) -> io::Result<Took> {
    let _ = fs::remove_dir_all(into);
    fs::create_dir(into)?;
    let (serving, fetching) = (server()?.cpu_seconds, child_cpu_seconds()?);
    let status = command.status()?;
    if !status.success() {
        return Err(io::Error::other(format!("{command:?}: {status}")));
    }
    Ok(Took { serving: server()?.cpu_seconds - serving, fetching: child_cpu_seconds()? - fetching })
}

/// Bytes that no file system and no server can make less of.
fn make(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = io::BufWriter::new(fs::File::create(path)?);
    let mut state = 1u64;
    for _ in 0..bytes / 8 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        file.write_all(&state.to_be_bytes())?;
    }
    file.write_all(&vec![0; (bytes % 8) as usize])?;
    file.flush()
}

/// It is the same file.
fn check(shared: &Path, into: &Path, bytes: u64) -> io::Result<()> {
    let status = Command::new("cmp").arg(shared.join(NAME)).arg(into.join(NAME)).status()?;
    let length = fs::metadata(into.join(NAME))?.len();
    if !status.success() || length != bytes {
        return Err(io::Error::other("what was transferred is not what was shared"));
    }
    Ok(())
}

/// nginx as one process, serving a directory.
struct Nginx {
    child: Child,
    address: std::net::SocketAddr,
}

impl Nginx {
    fn start(room: &Path, shared: &Path) -> io::Result<Self> {
        Command::new("curl").arg("--version").stdout(Stdio::null()).status()?;
        let address = TcpListener::bind(loopback(0))?.local_addr()?;
        let config = room.join("nginx.conf");
        let logs = room.join("nginx.log");
        fs::write(
            &config,
            format!(
                "daemon off; master_process off; user root; pid {pid}; error_log {logs};\n\
                 events {{}}\n\
                 http {{ access_log off; sendfile on; tcp_nopush on;\n\
                 server {{ listen {address}; root {root}; }} }}\n",
                pid = room.join("nginx.pid").display(),
                logs = logs.display(),
                root = shared.display(),
            ),
        )?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(room).arg("-c").arg(&config).arg("-e").arg(&logs);
        let mut nginx = Self { child: command.stderr(Stdio::null()).spawn()?, address };
        for _ in 0..100 {
            if std::net::TcpStream::connect(address).is_ok() {
                return Ok(nginx);
            }
            if let Some(status) = nginx.child.try_wait()? {
                return Err(io::Error::other(format!("nginx: {status}")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(io::Error::other("nginx does not listen"))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
