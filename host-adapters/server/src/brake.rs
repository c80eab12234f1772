//! Whoever sends one wrong token after the other has to wait.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long wrong tokens count, from the first of them on.
const WINDOW: Duration = Duration::from_secs(60);

/// How many addresses are kept in mind.
const ADDRESSES: usize = 10_000;

/// Counts wrong tokens by the address that they came from.
pub(crate) struct Brake {
    /// How many wrong tokens an address may send within the window; 0: any number.
    most: u32,
    tries: Mutex<HashMap<IpAddr, Tries>>,
}

#[derive(Clone, Copy)]
struct Tries {
    since: Instant,
    wrong: u32,
}

impl Brake {
    pub(crate) fn new(most: u32) -> Self {
        Self {
            most,
            tries: Mutex::default(),
        }
    }

    /// How long an address has to wait, if it has to.
    pub(crate) fn wait(&self, peer: IpAddr, now: Instant) -> Option<Duration> {
        if self.most == 0 {
            return None;
        }
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let found = tries.get(&counted(peer))?;
        let left = WINDOW.checked_sub(now.saturating_duration_since(found.since))?;
        (found.wrong >= self.most && !left.is_zero()).then_some(left)
    }

    /// Counts a wrong token.
    pub(crate) fn wrong(&self, peer: IpAddr, now: Instant) {
        if self.most == 0 {
            return;
        }
        let peer = counted(peer);
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= ADDRESSES && !tries.contains_key(&peer) {
            make_room(&mut tries, now);
        }
        let fresh = Tries {
            since: now,
            wrong: 0,
        };
        let found = tries.entry(peer).or_insert(fresh);
        if now.saturating_duration_since(found.since) >= WINDOW {
            *found = fresh;
        }
        found.wrong = found.wrong.saturating_add(1);
    }
}

/// Forgets what counts no more, or else the address that has waited longest.
fn make_room(tries: &mut HashMap<IpAddr, Tries>, now: Instant) {
    tries.retain(|_, found| now.saturating_duration_since(found.since) < WINDOW);
    if tries.len() < ADDRESSES {
        return;
    }
    let oldest = tries.iter().min_by_key(|(_, found)| found.since);
    if let Some(oldest) = oldest.map(|(peer, _)| *peer) {
        tries.remove(&oldest);
    }
}

/// The address as it counts. Of IPv6, whoever has one address has a network of them.
fn counted(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let mut segments = address.segments();
            for segment in segments.iter_mut().skip(4) {
                *segment = 0;
            }
            IpAddr::V6(segments.into())
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn after_so_many_wrong_tokens_an_address_waits_and_no_other_does() {
        let brake = Brake::new(3);
        let start = Instant::now();
        let one = peer("192.0.2.1");
        for seconds in 0..3 {
            let now = start + Duration::from_secs(seconds);
            assert_eq!(brake.wait(one, now), None);
            brake.wrong(one, now);
        }
        let now = start + Duration::from_secs(10);
        assert_eq!(brake.wait(one, now), Some(Duration::from_secs(50)));
        assert!(brake.wait(peer("::ffff:192.0.2.1"), now).is_some());
        assert_eq!(brake.wait(peer("192.0.2.2"), now), None);
        let later = start + WINDOW;
        assert_eq!(brake.wait(one, later), None);
        brake.wrong(one, later);
        assert_eq!(brake.wait(one, later), None);
    }

    #[test]
    fn addresses_of_one_network_count_as_one() {
        let brake = Brake::new(2);
        let now = Instant::now();
        brake.wrong(peer("2001:db8::1"), now);
        brake.wrong(peer("2001:db8::2:3"), now);
        assert!(brake.wait(peer("2001:db8::4"), now).is_some());
        assert_eq!(brake.wait(peer("2001:db8:0:1::4"), now), None);
    }

    #[test]
    fn a_bounded_number_of_addresses_is_kept_in_mind() {
        let brake = Brake::new(1);
        let start = Instant::now();
        for number in 0..ADDRESSES as u32 + 5 {
            let now = start + Duration::from_micros(number.into());
            brake.wrong(IpAddr::V4(Ipv4Addr::from_bits(number)), now);
        }
        let len = || brake.tries.lock().unwrap().len();
        assert_eq!(len(), ADDRESSES);
        let now = start + Duration::from_secs(1);
        assert_eq!(brake.wait(peer("0.0.0.0"), now), None);
        assert!(brake.wait(peer("0.0.0.5"), now).is_some());
        brake.wrong(peer("192.0.2.1"), start + WINDOW * 2);
        assert_eq!(len(), 1);
    }

    #[test]
    fn without_a_limit_nobody_waits() {
        let brake = Brake::new(0);
        let now = Instant::now();
        for _ in 0..100 {
            brake.wrong(peer("192.0.2.1"), now);
        }
        assert_eq!(brake.wait(peer("192.0.2.1"), now), None);
    }
}
