//! A filter of some library, filled and checked when it is first needed.

use std::cell::{Cell, RefCell};

use crate::keys::BenchKey;

/// A filter, as this program uses it.
pub trait Set<K> {
    fn clear(&mut self);

    fn insert_all(&mut self, keys: &[K]);

    /// How many of the keys may be in the set.
    fn count(&self, keys: &[K]) -> usize;
}

/// How many keys a filter is filled with, and how many of them a run goes through.
#[derive(Clone, Copy)]
pub struct Size {
    pub name: &'static str,
    pub keys: u64,
    /// In one run.
    window: u64,
    /// Runs take turns over so many windows, so that no branch is learned by heart and what is beyond
    /// the cache stays there.
    windows: u64,
}

/// 12.5 KB of bits at ten a key.
pub const IN_CACHE: Size = Size { name: "10k", keys: 10_000, window: 10_000, windows: 16 };
/// 25 MB of bits at ten a key.
pub const OUT_OF_CACHE: Size = Size { name: "20m", keys: 20_000_000, window: 250_000, windows: 12 };

impl Size {
    /// The keys that one run goes through.
    pub fn items(self) -> usize {
        self.window as usize
    }
}

#[derive(Clone, Copy)]
pub enum Operation {
    Insert,
    Hit,
    Miss,
}

impl Operation {
    pub const ALL: [Self; 3] = [Self::Insert, Self::Hit, Self::Miss];

    pub fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Hit => "hit",
            Self::Miss => "miss",
        }
    }
}

/// The windows of keys that are in the filters, and of keys that are not.
pub struct Inputs<K> {
    pub size: Size,
    present: Vec<Vec<K>>,
    absent: Vec<Vec<K>>,
}

impl<K: BenchKey> Inputs<K> {
    pub fn new(size: Size) -> Self {
        let stride = (size.keys - size.window) / size.windows;
        let windows = |start: u64, stride: u64| {
            let window = |i| {
                let start = start + i * stride;
                (start..start + size.window).map(K::new).collect()
            };
            (0..size.windows).map(window).collect()
        };
        Self { size, present: windows(0, stride), absent: windows(size.keys, size.window) }
    }
}

/// A library in the cases of one size and kind of key.
pub struct Entry<'a, K> {
    pub name: &'static str,
    inputs: &'a Inputs<K>,
    make: Box<dyn Fn() -> Box<dyn Set<K>> + 'a>,
    filled: RefCell<Option<Box<dyn Set<K>>>>,
}

impl<'a, K: BenchKey> Entry<'a, K> {
    pub fn new<S: Set<K> + 'static>(
        name: &'static str,
        inputs: &'a Inputs<K>,
        make: impl Fn() -> S + 'a,
    ) -> Self {
        let make = Box::new(move || -> Box<dyn Set<K>> { Box::new(make()) });
        Self { name, inputs, make, filled: RefCell::new(None) }
    }

    pub fn size(&self) -> Size {
        self.inputs.size
    }

    /// One run: a window of keys.
    pub fn work(&'a self, operation: Operation) -> impl FnMut() -> usize + 'a {
        let Inputs { size, present, absent } = self.inputs;
        self.filled.borrow_mut().get_or_insert_with(|| self.fill());
        let next = Cell::new(0);
        move || {
            let mut set = self.filled.borrow_mut();
            let set = set.as_mut().expect("it was filled");
            next.set((next.get() + 1) % size.windows as usize);
            match operation {
                Operation::Insert => {
                    if size.window == size.keys {
                        set.clear();
                    }
                    set.insert_all(&present[next.get()]);
                    0
                }
                Operation::Hit => set.count(&present[next.get()]),
                Operation::Miss => set.count(&absent[next.get()]),
            }
        }
    }

    /// All keys are inserted; those that were must be found, and of the others few.
    fn fill(&self) -> Box<dyn Set<K>> {
        let Inputs { size, present, absent } = self.inputs;
        let mut set = (self.make)();
        let chunk = size.keys.min(100_000);
        for start in (0..size.keys).step_by(chunk as usize) {
            let keys: Vec<K> = (start..start + chunk).map(K::new).collect();
            set.insert_all(&keys);
        }
        if self.name == "limit" {
            return set; // It is not a set.
        }
        for window in present {
            assert_eq!(set.count(window), window.len(), "{} lost a key", self.name);
        }
        let wrong: usize = absent.iter().map(|window| set.count(window)).sum();
        let rate = wrong as f64 / (size.window * size.windows) as f64;
        assert!(rate < 0.05, "{} finds {rate} of absent keys", self.name);
        let (size, kind, percent) = (size.name, K::NAME, 100.0 * rate);
        eprintln!("{size} {kind}: {} finds {percent:.3} % of absent keys", self.name);
        set
    }
}
