use std::collections::HashSet;
use std::fmt;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use aetherflow_ratelimit::Tick;

/// Tells the operator, once each, what only the operator can mend.
pub(super) struct Operator {
    log: Box<dyn Fn(&str) + Send + Sync>,
    connection: Once,
    proxy: Once,
    requests: AtomicU64,
    plan: Once,
    unlisted: Mutex<HashSet<String>>,
}

impl Operator {
    pub(super) fn new(log: Box<dyn Fn(&str) + Send + Sync>) -> Self {
        Self {
            log,
            connection: Once::default(),
            proxy: Once::default(),
            requests: AtomicU64::new(0),
            plan: Once::default(),
            unlisted: Mutex::new(HashSet::new()),
        }
    }

    pub(super) fn no_connection(&self) {
        self.connection.tell(|| {
            (self.log)(
                "aetherflow: a request carries no Connection, so its peer is unknown and it is answered 500: \
                 insert a Connection into every request's extensions in the accept loop",
            );
        });
    }

    pub(super) fn undeclared_proxy(&self, peer: SocketAddr) {
        self.proxy.tell(|| {
            (self.log)(&format!(
                "aetherflow: forwarding headers from {} are ignored, since it is no declared proxy: \
                 if it is yours, declare it with with_trusted_proxies",
                peer.ip()
            ));
        });
    }

    pub(super) fn unknown_plan(&self) {
        self.plan.tell(|| {
            (self.log)(
                "aetherflow: a credential names a plan the gate does not know, and is limited as free: \
                 add the plan with with_plans",
            );
        });
    }

    /// Whether this request is one to look for forwarding headers from an undeclared proxy in: each of the first
    /// thousand, and then those of about one millisecond in 64, for a proxy that is put in front later. Nothing depends on
    /// it but the hint.
    pub(super) fn listens_for_proxies(&self, now: Tick) -> bool {
        if !self.proxy.is_untold() {
            return false;
        }
        // Two requests at once may count as one, and after the first thousand none writes what all read.
        let so_far = self.requests.load(Ordering::Relaxed);
        if so_far < 1_000 {
            self.requests.store(so_far + 1, Ordering::Relaxed);
            return true;
        }
        // Scattered, so that no rhythm of requests with and without a proxy keeps out of its sight.
        scattered(now.as_millis()) >> 58 == 0
    }

    /// Names each route of the first hundred; a client that asks for more of them is only curious.
    pub(super) fn unlisted(&self, route: &str) {
        let route = route.get(..LONGEST_ROUTE).unwrap_or(route);
        let mut seen = self.unlisted.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST_ROUTES || !seen.insert(route.to_owned()) {
            return;
        }
        drop(seen);
        (self.log)(&format!(
            "aetherflow: {route} is not listed and is answered 404: list it, if it should be served"
        ));
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operator")
    }
}

/// Writes one line to standard error.
pub(super) fn to_stderr(line: &str) {
    // `eprintln!` panics where standard error is closed, and nobody is left to be told.
    let _unheard = writeln!(std::io::stderr(), "{line}");
}

/// Something said once.
#[derive(Debug, Default)]
struct Once(AtomicBool);

impl Once {
    fn is_untold(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }

    fn tell(&self, say: impl FnOnce()) {
        // Looked at first, so that a flood of reasons to speak writes to no shared line.
        if self.is_untold() && !self.0.swap(true, Ordering::Relaxed) {
            say();
        }
    }
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): numbers in a row become numbers without order.
fn scattered(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

const MOST_ROUTES: usize = 100;
const LONGEST_ROUTE: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_looked_for_in_the_first_thousand_requests_and_then_in_one_of_64() {
        let operator = Operator::new(Box::new(|_| {}));
        let is_looked_at = |at: &u64| operator.listens_for_proxies(Tick::from_millis(*at));
        let unlooked = (0..1_000_000).find(|at| scattered(*at) >> 58 != 0).unwrap();
        assert_eq!((0..2_000).filter(|_| is_looked_at(&unlooked)).count(), 1_000);
        assert!((50..=200).contains(&(0..6_400).filter(is_looked_at).count()));
        for rhythm in 2..200 {
            let by_proxy = (0..1_024 * rhythm).filter(|at| at % rhythm == rhythm - 1);
            assert!(by_proxy.filter(is_looked_at).count() > 0, "one request in {rhythm} comes by a proxy");
        }
        operator.undeclared_proxy(([192, 0, 2, 1], 443).into());
        assert_eq!((0..10_000).filter(is_looked_at).count(), 0, "it is told");
    }
}
