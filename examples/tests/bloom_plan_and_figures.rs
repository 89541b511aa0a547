//! `bloom_plan` and `figures` as their users meet them: the binaries built beside this test.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

#[path = "../figures/row.rs"]
#[allow(dead_code, reason = "the program prints rows, this test only judges them")]
mod row;

use row::{Row, Tolerance, Verdict};

/// Cargo builds a package's examples before it runs its tests.
fn run(program: &str, arguments: &[&str]) -> Output {
    let test = std::env::current_exe().expect("this test has a path");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
    let program = profile.join("examples").join(program);
    Command::new(&program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{output:?}");
    let text = std::str::from_utf8(&output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[track_caller]
fn refuses(program: &str, arguments: &[&str], message: &str) {
    let output = run(program, arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains(message), "{text}");
}

#[test]
fn every_layout_keeps_the_rate() {
    let plans = lines(&run("bloom_plan", &["50000", "1e-4", "--json"]));
    let layouts: Vec<&str> = plans.iter().filter_map(|plan| plan["layout"].as_str()).collect();
    assert_eq!(layouts.len(), 7);
    for plan in &plans {
        let rate = plan["rate"].as_f64().expect("a rate");
        assert!(rate > 0.0 && rate <= 1e-4, "{plan}");
        assert!(plan["bits_per_key"].as_f64() > plan["lower_bound_bits_per_key"].as_f64());
    }
    // The standard filter needs least, whole slices next to nothing more.
    assert_eq!((layouts[0], plans[0]["k"].as_u64()), ("standard", Some(13)));
}

#[test]
fn one_key_is_planned_too() {
    let plans = lines(&run("bloom_plan", &["1", "0.01", "--json"]));
    assert_eq!((plans[0]["m"].as_u64(), plans[0]["k"].as_u64()), (Some(11), Some(6)));
}

#[test]
fn the_plot_has_a_curve_a_size() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rates.svg");
    let output = run("bloom_plan", &["--plot", file.to_str().expect("UTF-8")]);
    assert!(output.status.success(), "{output:?}");
    let svg = std::fs::read_to_string(&file).expect("the plot");
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    for m in [64, 512, 1024, 2048, 4096] {
        assert!(svg.contains(&format!("m = {m}")), "m = {m}");
    }
    // Each curve has more points than any line of the legend.
    let curves = svg.lines().filter(|line| line.starts_with("<polyline") && line.len() > 1000);
    assert_eq!(curves.count(), 10);
}

#[test]
fn senseless_plans_are_refused() {
    refuses("bloom_plan", &["0", "0.1"], "n is 0 keys");
    refuses("bloom_plan", &["10", "1"], "expected at least 5.42");
    refuses("bloom_plan", &["18446744073709551615", "0.1"], "expected at most 281474976710656");
    refuses(
        "bloom_plan",
        &["10", "0.1", "--plot", "/no/such/directory/x.svg"],
        "/no/such/directory",
    );
    refuses("bloom_plan", &["ten"], "ten");
}

#[test]
fn figures_have_verdicts() {
    let rows = lines(&run("figures", &["--only", "B2,b4", "--json"]));
    assert!(rows.iter().all(|row| row["verdict"] == "holds"), "{rows:?}");
    assert!(rows.iter().any(|row| row["id"] == "B2") && rows.iter().any(|row| row["id"] == "B4"));
    for key in ["id", "what", "published", "ours", "tolerance", "verdict"] {
        assert!(rows.iter().all(|row| !row[key].is_null()), "{key}");
    }
    refuses("figures", &["--only", "Z9"], "no figure \"Z9\", expected: B1, B2");
}

#[test]
fn floods_of_real_servents_match_theory() {
    let rows = lines(&run("figures", &["--only", "G0,G4,G5,G9", "--json"]));
    for id in ["G4", "G5", "G9"] {
        let of_id: Vec<_> = rows.iter().filter(|row| row["id"] == id).collect();
        assert!(of_id.len() >= 2 && of_id.iter().all(|row| row["verdict"] == "holds"), "{of_id:?}");
    }
    // What the lectures print is shown beside what the specification says.
    let sizes = rows.iter().filter(|row| row["id"] == "G0");
    let verdicts: Vec<_> = sizes.filter_map(|row| row["verdict"].as_str()).collect();
    assert_eq!(verdicts, [["holds"; 4], ["reported"; 4]].as_flattened());
}

#[test]
fn ultrapeers_tables_and_dynamic_queries_save_what_theory_says() {
    let rows = lines(&run("figures", &["--only", "G6,G7,G8", "--json"]));
    let of_id = |id: &'static str| rows.iter().filter(move |row| row["id"] == id);
    for (id, at_least) in [("G6", 10), ("G8", 33)] {
        let judged = of_id(id).filter(|row| row["verdict"] != "reported");
        let holds = judged.clone().filter(|row| row["verdict"] == "holds").count();
        assert_eq!(holds, judged.count(), "{rows:?}");
        assert!(holds >= at_least, "{id}: {holds} rows");
    }
    // What many have needs no flood, and floods of the whole network cost at least five times as much.
    let popular = of_id("G7").filter(|row| {
        let what = row["what"].as_str().expect("a text");
        !what.starts_with("1 in 1000 ") && what.contains("flood of TTL 3 (")
    });
    let factors: Vec<_> = popular.filter_map(|row| row["ours"].as_f64()).collect();
    assert!(factors.len() == 2 && factors.iter().all(|&factor| factor >= 5.0), "{factors:?}");
}

#[test]
fn a_verdict_depends_on_the_tolerance() {
    use Tolerance::{Absolute, Exact, FiveSigma, Relative, Report};
    let verdict = |published: f64, ours: f64, tolerance| {
        Row::new("a number", published, ours, tolerance).verdict()
    };
    assert_eq!(verdict(2.0, 2.0, Exact), Verdict::Holds);
    assert_eq!(verdict(2.0, 2.000_000_1, Exact), Verdict::Differs);
    assert_eq!(verdict(-200.0, -201.9, Relative(0.01)), Verdict::Holds);
    assert_eq!(verdict(-200.0, -202.1, Relative(0.01)), Verdict::Differs);
    assert_eq!(verdict(1.0, 1.4, Absolute(0.5)), Verdict::Holds);
    assert_eq!(verdict(1.0, 0.4, Absolute(0.5)), Verdict::Differs);
    assert_eq!(verdict(1.0, 1.4, FiveSigma(0.1)), Verdict::Holds);
    assert_eq!(verdict(1.0, 1.6, FiveSigma(0.1)), Verdict::Differs);
    assert_eq!(verdict(1.0, 9.0, Report), Verdict::Reported);
    // Nothing measured is no agreement.
    assert_eq!(verdict(1.0, f64::NAN, FiveSigma(f64::NAN)), Verdict::Differs);
    assert_eq!(verdict(f64::NAN, f64::NAN, Exact), Verdict::Differs);
    let text = |ours: &str| Row::new("a text", "1059 431", ours, Exact).verdict();
    assert_eq!((text("1059 431"), text("431 1059")), (Verdict::Holds, Verdict::Differs));
    assert_eq!(Row::new("a kind", "4", 4.0, Exact).verdict(), Verdict::Differs);
}
