//! How many hosts sit behind which NAT.

use std::fmt;
use std::str::FromStr;

use natsim::Behaviour;

/// Shares of hosts by what stands between them and the Internet, in RFC 3489's names:
/// `OPEN,FULL_CONE,RESTRICTED,PORT_RESTRICTED,SYMMETRIC`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NatMix([f64; 5]);

/// From two published measurements: 64 % of the peers of a file-sharing network were behind a NAT
/// that hole punching passes (Halkes and Pouwelse, "UDP NAT and firewall puncturing in the wild",
/// 2010), and that is true of 82 % of NATs (Ford, Srisuresh and Kegel, USENIX 2005). So 78 % are behind
/// a NAT, 14 % behind one that maps by destination. Neither says how the first kind filters: it is
/// taken to filter by address and port.
impl Default for NatMix {
    fn default() -> Self {
        Self([0.22, 0.0, 0.0, 0.64, 0.14])
    }
}

/// What a share adds up to may miss 1 by this much: the shares are decimal fractions.
const TOLERANCE: f64 = 1e-6;

impl NatMix {
    /// The NAT of a host that drew `draw`, evenly from 0 to 1; `None` for an open host.
    pub fn pick(&self, draw: f64) -> Option<Behaviour> {
        let kinds = [
            None,
            Some(Behaviour::FULL_CONE),
            Some(Behaviour::RESTRICTED),
            Some(Behaviour::PORT_RESTRICTED),
            Some(Behaviour::SYMMETRIC),
        ];
        let mut upto = 0.0;
        for (share, kind) in self.0.into_iter().zip(kinds) {
            upto += share;
            if draw < upto {
                return kind;
            }
        }
        // Only rounding leads here: the last kind that occurs at all.
        let last = self.0.iter().rposition(|&share| share > 0.0).unwrap_or(0);
        kinds[last]
    }

    /// The shares in the order of the text form.
    pub fn shares(&self) -> [f64; 5] {
        self.0
    }
}

impl FromStr for NatMix {
    type Err = NatMixError;

    fn from_str(text: &str) -> Result<Self, NatMixError> {
        let mut shares = [0.0; 5];
        let parts: Vec<&str> = text.split(',').collect();
        if parts.len() != shares.len() {
            return Err(NatMixError::Count { found: parts.len() });
        }
        for (share, part) in shares.iter_mut().zip(parts) {
            *share = match part.trim().parse::<f64>() {
                Ok(number) if (0.0..=1.0).contains(&number) => number,
                _ => return Err(NatMixError::Share { text: part.to_owned() }),
            };
        }
        let sum: f64 = shares.iter().sum();
        if (sum - 1.0).abs() > TOLERANCE {
            return Err(NatMixError::Sum { sum });
        }
        Ok(Self(shares))
    }
}

impl fmt::Display for NatMix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [open, full, restricted, port, symmetric] = self.0;
        write!(f, "{open},{full},{restricted},{port},{symmetric}")
    }
}

/// Why a text is no mix of NATs.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NatMixError {
    /// Too few or too many shares.
    #[error(
        "expected 5 shares, OPEN,FULL_CONE,RESTRICTED,PORT_RESTRICTED,SYMMETRIC, found {found}"
    )]
    Count {
        /// How many there are.
        found: usize,
    },
    /// Not a number from 0 to 1.
    #[error("a share is a number from 0 to 1, found {text:?}")]
    Share {
        /// What stands there.
        text: String,
    },
    /// The shares are not everything, or more than that.
    #[error("the shares add up to {sum}, expected 1")]
    Sum {
        /// What they add up to.
        sum: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_checked() {
        assert_eq!("1,0,0,0,0".parse(), Ok(NatMix([1.0, 0.0, 0.0, 0.0, 0.0])));
        assert_eq!("1,0,0,0".parse::<NatMix>(), Err(NatMixError::Count { found: 4 }));
        assert_eq!("0.5,0.5,0.5,0,0".parse::<NatMix>(), Err(NatMixError::Sum { sum: 1.5 }));
        for bad in ["x,0,0,0,1", "-1,1,1,0,0", "NaN,0,0,0,1", "2,-1,0,0,0"] {
            assert!(matches!(bad.parse::<NatMix>(), Err(NatMixError::Share { .. })), "{bad}");
        }
        assert_eq!(NatMix::default().to_string().parse(), Ok(NatMix::default()));
    }

    #[test]
    fn picks_follow_the_shares() {
        let mix: NatMix = "0.1,0.2,0.3,0.4,0".parse().expect("adds up");
        let mut counts = [0; 3];
        for draw in 0..1_000 {
            match mix.pick((f64::from(draw) + 0.5) / 1_000.0) {
                None => counts[0] += 1,
                Some(Behaviour::FULL_CONE) => counts[1] += 1,
                Some(nat) => {
                    assert_ne!(nat, Behaviour::SYMMETRIC);
                    counts[2] += 1;
                }
            }
        }
        assert_eq!(counts, [100, 200, 700]);
        assert_eq!(mix.pick(1.0), Some(Behaviour::PORT_RESTRICTED));
    }
}
