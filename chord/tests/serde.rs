//! Identifiers through serde, and as text.

use overlay_chord::{Id, Id64, Id160};
use proptest::prelude::*;

proptest! {
    #[test]
    fn round_trip(bytes in any::<[u8; 20]>(), value in any::<u64>()) {
        let wide = Id160::from_bytes(bytes);
        let text = serde_json::to_string(&wide).expect("text");
        prop_assert_eq!(&text, &format!("\"{wide}\""));
        prop_assert_eq!(serde_json::from_str::<Id160>(&text).expect("the same"), wide);
        let small = Id64::<12>::wrapping(value);
        let text = serde_json::to_string(&small).expect("text");
        prop_assert_eq!(serde_json::from_str::<Id64<12>>(&text).expect("the same"), small);
        prop_assert_eq!(text.parse::<Id64<12>>().expect("the same"), small);
    }

    #[test]
    fn order_of_prefixes_is_order_of_points(a in any::<[u8; 20]>(), b in any::<[u8; 20]>()) {
        fn holds<I: Id>(a: &[u8], b: &[u8]) -> bool {
            let (a, b) = (I::from_hash(a), I::from_hash(b));
            a.prefix() == b.prefix() || (a < b) == (a.prefix() < b.prefix())
        }
        prop_assert!(holds::<Id160>(&a, &b));
        prop_assert!(holds::<Id64<64>>(&a, &b));
        prop_assert!(holds::<Id64<7>>(&a, &b));
    }
}

#[test]
fn what_is_no_identifier_is_refused() {
    let wrong = |text| serde_json::from_str::<Id64<3>>(text).expect_err("wrong").to_string();
    assert!(wrong("8").starts_with("invalid value: integer `8`, expected an identifier below 2^3"));
    let wrong = |text| serde_json::from_str::<Id160>(text).expect_err("wrong").to_string();
    assert!(wrong("\"12\"").contains("an identifier has 40 hexadecimal digits, found 2"));
    assert!(wrong("7").contains("expected forty hexadecimal digits"));
    let wrong = |text: &str| text.parse::<Id64<3>>().expect_err("wrong").to_string();
    assert_eq!(wrong("8"), "at byte 0: an identifier is more than 7");
    assert_eq!(wrong("99999999999999999999"), "at byte 0: an identifier is more than 7");
    assert_eq!(wrong("1x"), "at byte 1: expected a decimal digit, found 'x'");
    assert_eq!(wrong(""), "at byte 0: expected decimal digits, found nothing");
}

#[test]
fn a_hash_gives_its_first_bits() {
    // SHA-1 of "abc" is a9993e36 4706816a …
    assert_eq!(Id64::<8>::of_key(b"abc").get(), 0xa9);
    assert_eq!(Id64::<64>::of_key(b"abc").get(), 0xa999_3e36_4706_816a);
    assert_eq!(Id160::of_key(b"abc"), Id160::hash(b"abc"));
    assert_eq!(Id64::<4>::from_hash(&[0xf0]).get(), 15);
    assert_eq!(Id64::<12>::from_hash(&[]).get(), 0);
    assert_eq!(format!("{:x}", Id64::<12>::wrapping(0xabc)), "abc");
}
