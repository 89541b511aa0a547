//! With `system-peers`: compiles the shims over C and C++ libraries that the system has.

fn main() {
    #[cfg(feature = "system-peers")]
    libtorrent();
}

#[cfg(feature = "system-peers")]
fn libtorrent() {
    use std::collections::BTreeMap;

    const SHIM: &str = "shim/libtorrent.cc";
    println!("cargo::rerun-if-changed={SHIM}");
    let found = pkg_config::Config::new().atleast_version("2.0").probe("libtorrent-rasterbar");
    let library = match found {
        Ok(library) => library,
        Err(error) => {
            println!(
                "cargo::error=the feature `system-peers` needs libtorrent 2 (rasterbar): on Debian \
                 and Ubuntu, apt-get install g++ pkg-config libtorrent-rasterbar-dev"
            );
            for line in error.to_string().lines().filter(|line| !line.trim().is_empty()) {
                println!("cargo::warning={line}");
            }
            return;
        }
    };
    println!("cargo::rustc-env=LIBTORRENT_VERSION={}", library.version);
    let mut shim = cc::Build::new();
    // As Debian builds the library itself: the encoder is a template, and so is built here.
    shim.cpp(true)
        .std("c++17")
        .opt_level(2)
        .debug(false)
        .file(SHIM)
        .includes(&library.include_paths);
    let defines: BTreeMap<_, _> = library.defines.iter().collect();
    for (name, value) in defines {
        shim.define(name, value.as_deref());
    }
    // Its headers, not ours, make these.
    shim.flag_if_supported("-Wno-deprecated-declarations")
        .flag_if_supported("-Wno-unused-parameter");
    shim.compile("overlay_libtorrent_shim");
}
