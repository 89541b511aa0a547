//! Delays as measured.

use std::time::Duration;

use overlay_sim::underlay::{LatencyMatrix, MatrixErrorKind};
use overlay_sim::{Place, Underlay};
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

proptest! {
    /// What is printed as a matrix is read as the same matrix.
    #[test]
    fn round_trip(places in 2u32..12, seed: u64) {
        let delay = |from: u32, to: u32| {
            Duration::from_micros((seed >> (from % 7)) % 900_000 / (1 + u64::from(to)))
        };
        let matrix = LatencyMatrix::new(places, delay);
        let row = |from| {
            let fields = (0..places).map(|to| delay(from, to).as_micros() as f64 / 1_000.0);
            fields.map(|field| format!("{field} ")).collect::<String>()
        };
        let text: String = (0..places).map(|from| row(from) + "\n").collect();
        prop_assert_eq!(LatencyMatrix::parse(text.as_bytes(), MS), Ok(matrix));
    }

    #[test]
    fn never_panics(text in "[0-9., e#\n-]{0,200}") {
        if let Ok(matrix) = LatencyMatrix::parse(text.as_bytes(), MS) {
            prop_assert!((matrix.places() as usize).pow(2) <= text.len().pow(2));
        }
    }
}

#[test]
fn the_lower_half_is_a_symmetric_matrix() {
    let matrix = LatencyMatrix::parse(b"# ms\n0\n1.5,0\n\n20 30\t0.0004\r\n", MS).unwrap();
    assert_eq!(matrix.places(), 3);
    assert_eq!(matrix.delay(0, 1), Duration::from_micros(1_500));
    assert_eq!(matrix.delay(1, 0), Duration::from_micros(1_500));
    assert_eq!(matrix.delay(1, 2), Duration::from_millis(30));
    assert_eq!(matrix.delay(2, 2), Duration::ZERO);
    let underlay = Underlay::Matrix(matrix.into());
    assert_eq!(underlay.delay(Place::number(2), Place::number(0)), 20 * MS);
    assert!(underlay.has(Place::number(2)) && !underlay.has(Place::number(3)));
}

#[test]
fn errors_say_where() {
    let error = |text: &str| {
        let error = LatencyMatrix::parse(text.as_bytes(), MS).unwrap_err();
        (error.line, error.kind)
    };
    assert_eq!(error("0 1\n1 -2"), (2, MatrixErrorKind::NotADelay { field: 2 }));
    assert_eq!(error("0 1\n1 nan"), (2, MatrixErrorKind::NotADelay { field: 2 }));
    assert_eq!(error("0 4294968\n1 0"), (1, MatrixErrorKind::NotADelay { field: 2 }));
    let fields = MatrixErrorKind::Fields { row: 2, fields: 3, expected: 2 };
    assert_eq!(error("0 1\n\n1 0 0"), (3, fields));
    let third = MatrixErrorKind::Fields { row: 3, fields: 2, expected: 2 };
    assert_eq!(error("0 1\n1 0\n1 0"), (3, third));
    assert_eq!(error("0 1 2\n1 0 2").1, MatrixErrorKind::NotSquare { rows: 2, fields: 3 });
    let text = LatencyMatrix::parse(b"0 1\n1 x", MS).unwrap_err().to_string();
    assert_eq!(text, "line 2: field 2 is no delay of 0 to 4294967295 microseconds");
}
