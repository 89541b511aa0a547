//! How a NAT chooses ports, from several sockets that asked one address in order.

use alloc::vec::Vec;

use super::socket::Asked;
use super::{Reason, Verdict};

/// Fewer ports show no pattern.
const FEW: usize = 8;
/// As many that all have the right parity are no accident (one in 4,096).
const PARITY: usize = 12;

/// Whether a socket's port is its port outside too.
pub(super) fn preservation(asked: &[Asked]) -> Verdict<bool> {
    let kept = asked.iter().filter(|one| one.local.port() == one.mapped.port()).count();
    let (kept, count) = (kept as u32, asked.len() as u32);
    match asked.len() {
        0 => Verdict::Unknown(Reason::FewPorts { count }),
        // The rest were taken.
        len if len == kept as usize || (len >= FEW && kept * 2 >= count) => Verdict::Known(true),
        // One of many may be kept by chance.
        len if kept == 0 || (len >= FEW && kept == 1) => Verdict::Known(false),
        _ => Verdict::Unknown(Reason::SomePorts { kept, count }),
    }
}

/// Whether even ports become even ones, and odd ones odd.
pub(super) fn parity(asked: &[Asked]) -> Verdict<bool> {
    let odd = |port: u16| port % 2 == 1;
    if asked.iter().any(|one| odd(one.local.port()) != odd(one.mapped.port())) {
        return Verdict::Known(false);
    }
    let odds = asked.iter().filter(|one| odd(one.local.port())).count();
    if asked.len() < PARITY || odds == 0 || odds == asked.len() {
        return Verdict::Unknown(Reason::FewPorts { count: asked.len() as u32 });
    }
    Verdict::Known(true)
}

/// How far each new port is from the one before, where ports are not preserved.
///
/// Other hosts take ports too, and requests that were lost take theirs later: most steps must be
/// equal, or all ports close together on one grid.
pub(super) fn stride(asked: &[Asked]) -> Verdict<i32> {
    if asked.len() < FEW {
        return Verdict::Unknown(Reason::FewPorts { count: asked.len() as u32 });
    }
    let ports: Vec<i32> = asked.iter().map(|one| i32::from(one.mapped.port())).collect();
    let mut steps: Vec<i32> = ports.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let up = steps.iter().filter(|step| **step > 0).count() * 2 > steps.len();
    steps.sort_unstable();
    let most = steps.chunk_by(|a, b| a == b).max_by_key(|equal| equal.len());
    if let Some(&[step, ref others @ ..]) = most
        && step != 0
        && (others.len() + 1) * 5 >= steps.len() * 3
    {
        return Verdict::Known(step);
    }

    let mut sorted = ports;
    sorted.sort_unstable();
    sorted.dedup();
    let gaps = sorted.windows(2).map(|pair| pair[1] - pair[0]);
    let grid = gaps.fold(0, common_divisor);
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return Verdict::Unknown(Reason::NoStride);
    };
    // A third of the grid's points are ours.
    let close = grid > 0 && (last - first) / grid < 3 * sorted.len() as i32;
    match close && sorted.len() >= FEW {
        true if up => Verdict::Known(grid),
        true => Verdict::Known(-grid),
        false => Verdict::Unknown(Reason::NoStride),
    }
}

fn common_divisor(a: i32, b: i32) -> i32 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, SocketAddr};

    use super::*;
    use crate::classify::SocketId;

    fn asked(ports: &[(u16, u16)]) -> Vec<Asked> {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        ports
            .iter()
            .map(|(local, mapped)| Asked {
                id: SocketId(0),
                local: at(*local),
                mapped: at(*mapped),
            })
            .collect()
    }

    fn mapped(ports: &[u16]) -> Vec<Asked> {
        asked(&ports.iter().map(|port| (1, *port)).collect::<Vec<_>>())
    }

    #[test]
    fn strides_are_seen_through_losses_and_other_hosts() {
        assert_eq!(stride(&mapped(&[10, 11, 12, 13, 14, 15, 16, 17])), Verdict::Known(1));
        assert_eq!(stride(&mapped(&[90, 80, 70, 60, 50, 40, 30, 20])), Verdict::Known(-10));
        // Wraps round.
        assert_eq!(stride(&mapped(&[9_998, 9_999, 1, 2, 3, 4, 5, 6, 7])), Verdict::Known(1));
        // Some were late, some ports went to others.
        assert_eq!(stride(&mapped(&[10, 26, 14, 16, 12, 20, 28, 18, 24])), Verdict::Known(2));
        let random = [40_001, 1_234, 60_000, 33_333, 20_002, 5_555, 51_111, 12_321, 64_000];
        assert_eq!(stride(&mapped(&random)), Verdict::Unknown(Reason::NoStride));
        assert_eq!(stride(&mapped(&[7; 9])), Verdict::Unknown(Reason::NoStride));
        assert_eq!(stride(&mapped(&[1, 2, 3])), Verdict::Unknown(Reason::FewPorts { count: 3 }));
    }

    #[test]
    fn preservation_is_of_most() {
        let kept = |kept: usize, of: usize| {
            let port = |n: usize| (100 + n as u16, if n < kept { 100 } else { 900 } + n as u16);
            preservation(&asked(&(0..of).map(port).collect::<Vec<_>>()))
        };
        assert_eq!(kept(16, 16), Verdict::Known(true));
        assert_eq!(kept(13, 16), Verdict::Known(true));
        assert_eq!(kept(5, 16), Verdict::Unknown(Reason::SomePorts { kept: 5, count: 16 }));
        assert_eq!(kept(1, 16), Verdict::Known(false));
        assert_eq!(kept(0, 2), Verdict::Known(false));
        assert_eq!(kept(1, 2), Verdict::Unknown(Reason::SomePorts { kept: 1, count: 2 }));
    }

    #[test]
    fn parity_needs_both_kinds() {
        let of = |ports: &[(u16, u16)]| parity(&asked(ports));
        let some: Vec<(u16, u16)> = (0..12).map(|n| (n, 400 + n * 3 % 2 + n / 2 * 2)).collect();
        assert_eq!(of(&some), Verdict::Known(true));
        assert_eq!(of(&[(1, 3), (2, 5)]), Verdict::Known(false));
        let even: Vec<(u16, u16)> = (0..12).map(|n| (n * 2, n * 4)).collect();
        assert_eq!(of(&even), Verdict::Unknown(Reason::FewPorts { count: 12 }));
        assert_eq!(of(&[(1, 3), (2, 4)]), Verdict::Unknown(Reason::FewPorts { count: 2 }));
    }
}
