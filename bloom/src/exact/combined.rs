//! What several filters, or the hash in front of one, add to a rate.

/// The rate of a set of filters that are all asked, and of which one `true` is enough, such as the
/// stages of a scalable filter (Almeida, Baquero, Preguiça and Hutchison, *Scalable Bloom filters*,
/// Information Processing Letters 101, 2007, section 3): 1 − Π (1 − p).
///
/// Exact if the filters are independent. Below the sum of the rates, which for rates that fall by a
/// factor of r each is itself below the first divided by 1 − r.
pub fn compound_rate(rates: impl IntoIterator<Item = f64>) -> f64 {
    -libm::expm1(rates.into_iter().map(|p| libm::log1p(-p)).sum())
}

/// The probability that a key's hash of `bits` bits equals that of one of n others,
/// 1 − (1 − 2^−bits)^n: about n/2^bits.
///
/// No filter can tell keys of one hash apart, so this is in every rate, however many bits and probes
/// there are: [`compound_rate`] of this and of the filter's own. With 64 bits it is 5e-14 for
/// a million keys and can be forgotten; with 32 bits and 500 million keys it is 11 %.
pub fn hash_collision_rate(n: u64, bits: u32) -> f64 {
    if n == 0 {
        return 0.0;
    }
    -libm::expm1(n as f64 * libm::log1p(-libm::exp2(-f64::from(bits))))
}
