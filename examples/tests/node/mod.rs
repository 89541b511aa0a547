//! Programs that keep running, driven by a test: their events, their end, and wires between them that can
//! be slow or cut.

#![allow(dead_code)] // Not every test program needs everything.
#![allow(clippy::disallowed_methods, reason = "real programs take real time")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

/// For whatever should happen soon: machines that run tests are busy.
pub const LIMIT: Duration = Duration::from_secs(120);

/// A program with `--json`, and the events it has told so far. Killed when dropped.
pub struct Running {
    child: Child,
    lines: mpsc::Receiver<Value>,
    told: Vec<Value>,
    errors: Arc<Mutex<String>>,
    /// Reads standard error to its end.
    listener: Option<JoinHandle<()>>,
}

impl Running {
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        let path = path(program);
        let mut child = Command::new(&path)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (tell, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        thread::spawn(move || {
            for line in stdout.lines() {
                let line = line.expect("UTF-8");
                let event = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"));
                if tell.send(event).is_err() {
                    break;
                }
            }
        });
        let errors = Arc::new(Mutex::new(String::new()));
        let (mut stderr, said) = (child.stderr.take().expect("a pipe"), errors.clone());
        let listener = thread::spawn(move || {
            let mut some = [0; 4_096];
            while let Ok(length @ 1..) = stderr.read(&mut some) {
                said.lock().expect("whole").push_str(&String::from_utf8_lossy(&some[..length]));
            }
        });
        Self { child, lines, told: Vec::new(), errors, listener: Some(listener) }
    }

    /// What it has said on standard error.
    pub fn errors(&self) -> String {
        self.errors.lock().expect("whole").clone()
    }

    fn describe(&self) -> String {
        let told: Vec<String> = self.told.iter().map(Value::to_string).collect();
        format!("{}\n{}", told.join("\n"), self.errors())
    }

    /// The first event, of those told before too, that is of this kind and fits.
    pub fn wait_for(&mut self, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let fits = |told: &Value| told["event"] == event && fits(told);
        if let Some(told) = self.told.iter().find(|told| fits(told)) {
            return told.clone();
        }
        let until = Instant::now() + LIMIT;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(told) => {
                    self.told.push(told.clone());
                    if fits(&told) {
                        return told;
                    }
                }
                Err(_) => panic!("no {event}:\n{}", self.describe()),
            }
        }
    }

    pub fn wait(&mut self, event: &str) -> Value {
        self.wait_for(event, |_| true)
    }

    /// All events of a kind that were told by now.
    pub fn told(&mut self, event: &str) -> Vec<Value> {
        self.told.extend(self.lines.try_iter());
        self.told.iter().filter(|told| told["event"] == event).cloned().collect()
    }

    /// Where it listens.
    pub fn address(&mut self) -> String {
        let listening = self.wait("listening");
        listening["addr"].as_str().expect("an address").to_owned()
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(sent.expect("kill").success());
    }

    /// Its status when it ends by itself; all it told is there then.
    pub fn end(&mut self) -> ExitStatus {
        let until = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                while let Ok(told) = self.lines.recv_timeout(LIMIT) {
                    self.told.push(told);
                }
                if let Some(listener) = self.listener.take() {
                    listener.join().expect("it only reads");
                }
                return status;
            }
            assert!(Instant::now() < until, "it does not end:\n{}", self.describe());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The same after Ctrl-C.
    pub fn interrupt(&mut self) -> ExitStatus {
        self.signal("INT");
        self.end()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Cargo builds a package's examples before it runs its tests.
pub fn path(program: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test has a path");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
    profile.join("examples").join(program)
}

/// What a program prints without arguments, which is something.
pub fn alone(program: &str) -> String {
    let output = Command::new(path(program)).output().expect("it starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A directory of its own.
pub fn directory(test: &str, name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nodes").join(test).join(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("a directory");
    directory
}

/// A directory with one file.
pub fn music(test: &str, name: &str, content: &[u8]) -> PathBuf {
    let music = directory(test, "music");
    fs::write(music.join(name), content).expect("written");
    music
}

/// The directory has this file, and nothing else.
pub fn assert_whole(directory: &Path, name: &str, content: &[u8]) {
    let names: Vec<_> = fs::read_dir(directory).expect("read").flatten().collect();
    assert_eq!(names.len(), 1, "nothing but the file: {names:?}");
    assert!(fs::read(directory.join(name)).expect("read") == content, "other bytes");
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Bytes that no part of can be taken for another.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A wire to a host, which counts what comes from there, can be slow, and can be cut.
pub struct Wire {
    pub address: SocketAddr,
    state: Arc<WireState>,
}

struct WireState {
    /// Where it leads; set when that is known.
    to: Mutex<Option<SocketAddr>>,
    /// Bytes that came from there.
    carried: AtomicU64,
    /// After so many it is cut.
    budget: AtomicU64,
    /// Between pieces of 16 KiB.
    pause: Duration,
}

impl Wire {
    /// `--listen` of who is at its end is not known before it runs, and it has to tell others this.
    pub fn new(budget: u64, pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let state = Arc::new(WireState {
            to: Mutex::new(None),
            carried: AtomicU64::new(0),
            budget: AtomicU64::new(budget),
            pause,
        });
        let shared = state.clone();
        thread::spawn(move || {
            for near in listener.incoming() {
                let (Ok(near), state) = (near, shared.clone()) else { continue };
                let Some(to) = *state.to.lock().expect("whole") else { continue };
                if state.is_cut() {
                    continue;
                }
                let Ok(far) = TcpStream::connect(to) else { continue };
                let (near2, far2) =
                    (near.try_clone().expect("cloned"), far.try_clone().expect("cloned"));
                thread::spawn(move || copy(near2, far2, |_| true));
                thread::spawn(move || copy(far, near, |length| state.carry(length)));
            }
        });
        Self { address, state }
    }

    pub fn lead_to(&self, address: &str) {
        *self.state.to.lock().expect("whole") = Some(address.parse().expect("an address"));
    }

    pub fn carried(&self) -> u64 {
        self.state.carried.load(Ordering::SeqCst)
    }

    /// It is cut after so many bytes in all.
    pub fn set_budget(&self, budget: u64) {
        self.state.budget.store(budget, Ordering::SeqCst);
    }
}

impl WireState {
    fn is_cut(&self) -> bool {
        self.carried.load(Ordering::SeqCst) >= self.budget.load(Ordering::SeqCst)
    }

    fn carry(&self, length: usize) -> bool {
        thread::sleep(self.pause);
        self.carried.fetch_add(length as u64, Ordering::SeqCst);
        !self.is_cut()
    }
}

/// Until one side closes, or somebody wants no more; what was read by then still arrives.
fn copy(mut from: TcpStream, mut to: TcpStream, mut more: impl FnMut(usize) -> bool) {
    let mut some = [0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut some) {
        let go_on = more(length);
        if to.write_all(&some[..length]).is_err() || !go_on {
            break;
        }
    }
    let _ = from.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
}
