//! The survey's figure: the rate against the number of keys, for five sizes, with the best
//! real-valued k; both axes logarithmic.

use std::error::Error;
use std::path::Path;

use overlay_bloom::{Params, classic};
use plotters::prelude::*;

const SIZES: [u64; 5] = [64, 512, 1024, 2048, 4096];
const MOST_KEYS: u32 = 100_000;

/// The rates that are shown. With few keys they would go down to 2^-2839.
const LEAST_RATE: f64 = 1e-9;

/// Colours that people who see red and green alike can tell apart.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
];

/// Draws all curves into a file. Under each, in grey, is what a filter can have: a whole k from 1 to 64,
/// and the exact rate.
pub fn draw(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut svg = String::new();
    draw_into(&mut svg)?;
    Ok(std::fs::write(path, svg)?)
}

fn draw_into(svg: &mut String) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::with_string(svg, (900, 600)).into_drawing_area();
    root.fill(&WHITE)?;
    let keys = (1.0..f64::from(MOST_KEYS)).log_scale();
    let mut chart = ChartBuilder::on(&root)
        .caption("Rate of false positives, k = (m/n) ln 2", ("sans-serif", 22))
        .margin(15)
        .x_label_area_size(45)
        .y_label_area_size(70)
        .build_cartesian_2d(keys, (LEAST_RATE..1.0).log_scale())?;
    chart
        .configure_mesh()
        .max_light_lines(1)
        .x_desc("n, keys")
        .y_desc("p")
        .x_label_formatter(&power_of_ten)
        .y_label_formatter(&power_of_ten)
        .label_style(("sans-serif", 15))
        .draw()?;
    // What lies under the curves is drawn first; its label comes last.
    let grey = RGBColor(170, 170, 170).stroke_width(5);
    for m in SIZES {
        chart.draw_series(LineSeries::new(shown(whole_k, m), grey))?;
    }
    for (m, colour) in SIZES.into_iter().zip(COLOURS) {
        chart
            .draw_series(LineSeries::new(shown(real_k, m), colour.stroke_width(2)))?
            .label(format!("m = {m}"))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2)));
    }
    chart
        .draw_series(LineSeries::new([], grey))?
        .label("whole k, exact")
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], grey));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE)
        .border_style(BLACK)
        .label_font(("sans-serif", 15))
        .draw()?;
    root.present()?;
    Ok(())
}

fn real_k(m: u64, n: u64) -> f64 {
    classic::optimal_rate(m as f64, n as f64)
}

fn whole_k(m: u64, n: u64) -> f64 {
    Params::for_keys(m, n).map_or(f64::NAN, |params| params.rate(n))
}

/// The points of a curve at or above the least rate, about a hundred a decade.
fn shown(rate: fn(u64, u64) -> f64, m: u64) -> Vec<(f64, f64)> {
    let steps = 100 * f64::from(MOST_KEYS).log10() as u32;
    let mut keys: Vec<u64> =
        (0..=steps).map(|step| 10f64.powf(f64::from(step) / 100.0).round() as u64).collect();
    keys.dedup();
    let points = keys.into_iter().map(|n| (n as f64, rate(m, n)));
    points.filter(|point| point.1 >= LEAST_RATE).collect()
}

fn power_of_ten(value: &f64) -> String {
    match value.log10().round() as i32 {
        exponent @ -2..=2 => format!("{}", 10f64.powi(exponent)),
        exponent => format!("1e{exponent}"),
    }
}
