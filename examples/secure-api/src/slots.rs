//! How many connections there may be at once: of everyone, and of one address.
//!
//! 1. The ports that serve share their slots; the port that refuses plain HTTP has slots of its own. More wait in the
//!    system's queue.
//! 2. One address (IPv6: one /64) holds a part of them only, so that nobody holds all. More are closed at once.
//! 3. A declared proxy may hold all: it connects for everyone.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The slots of some ports.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    free: Arc<Semaphore>,
    all: u32,
    held: Arc<Held>,
    of_one_address: u32,
    proxies: Arc<[IpNet]>,
}

/// A slot for a connection yet to come.
#[derive(Debug)]
pub(crate) struct FreeSlot {
    _permit: OwnedSemaphorePermit,
}

/// A connection's slot, free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    _free: FreeSlot,
    _held: Option<HeldSlot>,
}

impl Slots {
    /// As many as the system's limit on open files leaves: those of the ports that serve, at most [`MOST_SERVED`], and
    /// those of the port that refuses.
    pub(crate) fn of_this_process(proxies: &[IpNet]) -> (Self, Self) {
        let files = rlimit::increase_nofile_limit(u64::from(MOST_SERVED + MOST_REFUSED + OTHER_FILES));
        let files = files.ok().and_then(|files| u32::try_from(files).ok()).unwrap_or(FEWEST_FILES);
        let all = files.saturating_sub(OTHER_FILES).clamp(FEWEST, MOST_SERVED + MOST_REFUSED);
        let refused = (all / 8).min(MOST_REFUSED);
        (Self::new(all - refused, proxies), Self::new(refused, proxies))
    }

    fn new(all: u32, proxies: &[IpNet]) -> Self {
        Self {
            free: Arc::new(Semaphore::new(all as usize)),
            all,
            held: Arc::default(),
            of_one_address: (all / 4).max(FEWEST_OF_ONE_ADDRESS),
            proxies: proxies.into(),
        }
    }

    /// Waits for a slot.
    pub(crate) async fn wait(&self) -> FreeSlot {
        let permit = Arc::clone(&self.free).acquire_owned().await;
        FreeSlot { _permit: permit.expect("the semaphore is never closed") }
    }

    /// Gives the slot to a connection from `peer`, unless its address has as many as one may.
    pub(crate) fn give(&self, free: FreeSlot, peer: IpAddr) -> Option<Slot> {
        let peer = peer.to_canonical();
        if self.proxies.iter().any(|range| range.contains(&peer)) {
            return Some(Slot { _free: free, _held: None });
        }
        let held = HeldSlot::take(&self.held, network(peer), self.of_one_address)?;
        Some(Slot { _free: free, _held: Some(held) })
    }

    /// Waits for every connection to end, at most [`DRAIN`].
    pub(crate) async fn drain(&self) {
        drop(timeout(DRAIN, self.free.acquire_many(self.all)).await);
    }
}

#[derive(Debug, Default)]
struct Held(Mutex<HashMap<IpAddr, u32>>);

impl Held {
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct HeldSlot {
    held: Arc<Held>,
    network: IpAddr,
}

impl HeldSlot {
    fn take(held: &Arc<Held>, network: IpAddr, most: u32) -> Option<Self> {
        let mut counts = held.lock();
        let count = counts.get(&network).copied().unwrap_or(0);
        if count >= most {
            return None;
        }
        counts.insert(network, count + 1);
        Some(Self { held: Arc::clone(held), network })
    }
}

impl Drop for HeldSlot {
    fn drop(&mut self) {
        let mut counts = self.held.lock();
        match counts.get_mut(&self.network) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => drop(counts.remove(&self.network)),
        }
    }
}

/// What one host has for itself: an address of IPv4, a /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

const MOST_SERVED: u32 = 4_096;
const MOST_REFUSED: u32 = 512;
const FEWEST: u32 = 64;
// A company behind one address has as many people.
const FEWEST_OF_ONE_ADDRESS: u32 = 256;
const OTHER_FILES: u32 = 128;
const FEWEST_FILES: u32 = 256;
const DRAIN: Duration = Duration::from_secs(12);

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    async fn given(slots: &Slots, peer: &str) -> Option<Slot> {
        slots.give(slots.wait().await, address(peer))
    }

    #[tokio::test]
    async fn one_address_holds_a_quarter_and_others_have_the_rest() {
        let slots = Slots::new(2_000, &["198.51.100.0/24".parse().unwrap()]);
        let mut held = Vec::new();
        for number in 0..500 {
            held.push(given(&slots, "203.0.113.7").await.unwrap_or_else(|| panic!("slot {number}")));
        }
        for (name, peer, want) in [
            ("the same", "203.0.113.7", false),
            ("the same as IPv6 spells it", "::ffff:203.0.113.7", false),
            ("its neighbour", "203.0.113.8", true),
            ("a declared proxy", "198.51.100.1", true),
        ] {
            assert_eq!(given(&slots, peer).await.is_some(), want, "{name}");
        }
        assert_eq!(slots.free.available_permits(), 1_500, "what was not given is free again");
        held.pop();
        assert!(given(&slots, "203.0.113.7").await.is_some());
        held.clear();
        assert_eq!(slots.held.lock().len(), 0);
    }

    #[tokio::test]
    async fn a_declared_proxy_may_hold_all() {
        let slots = Slots::new(300, &["198.51.100.0/24".parse().unwrap()]);
        let mut held = Vec::new();
        for _ in 0..300 {
            held.push(given(&slots, "198.51.100.1").await.unwrap());
        }
        assert_eq!(slots.free.available_permits(), 0);
    }

    #[test]
    fn an_address_of_ipv6_counts_with_its_network() {
        assert_eq!(network(address("2001:db8:1:2:3:4:5:6")), address("2001:db8:1:2::"));
        assert_eq!(network(address("203.0.113.7")), address("203.0.113.7"));
    }
}
