//! That a table neither allocates for a request nor grows under a flood.

use std::net::{IpAddr, Ipv6Addr};

use aetherflow_proof_allocations::{Count, Counting, count};
use aetherflow_ratelimit::{Key, Limiter, Plan, Tick};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const KEYS: u32 = 10_000_000;
const SLOTS: usize = 100_000;

fn tenant(n: u32, text: &mut [u8; 8]) -> Key<'_> {
    *text = std::array::from_fn(|at| b'a' + u8::try_from(n >> (4 * at) & 0xf).unwrap());
    Key::tenant("https://auth.example", str::from_utf8(text).unwrap())
}

/// A /64 of its own.
fn address(n: u32) -> Key<'static> {
    Key::address(IpAddr::V6(Ipv6Addr::from_bits(u128::from(n) << 64)))
}

#[test]
fn neither_an_admitted_request_nor_a_refused_one_allocates() {
    let (limiter, free, key) = (Limiter::new(SLOTS), Plan::free(), Key::tenant("https://auth.example", "acme"));
    // A thread's own counters are made once.
    assert!(limiter.check(&key, &free).is_allowed());
    for (case, cost, ms, is_allowed) in
        [("admitted", 1, 0, true), ("a wait", 60, 1, false), ("no wait would help", 2_000, 2, false), ("nothing", 0, 3, true)]
    {
        let (decision, used) = count(|| limiter.check_at(&key, &free, cost, Tick::from_millis(ms)));
        assert_eq!((decision.is_allowed(), used), (is_allowed, Count::default()), "{case}");
    }
    let newcomer = Key::tenant("https://auth.example", "new");
    let (decision, used) = count(|| limiter.check_at(&newcomer, &free, 1, Tick::from_millis(4)));
    assert_eq!((decision.is_allowed(), used), (true, Count::default()));
}

#[test]
fn a_slot_takes_eighteen_bytes_floors_included() {
    let (_, small) = count(|| Limiter::new(SLOTS).with_address_slots(0));
    let (_, large) = count(|| Limiter::new(2 * SLOTS).with_address_slots(0));
    // What is the same in both is not the slots': locks, and the engine beside it, which keeps no key yet.
    assert_eq!(large.peak - small.peak, 18 * SLOTS);
}

/// Every key asks once, and between them one that asks all the time, with slots for a hundredth of all and with slots for
/// all of them.
#[test]
fn ten_million_keys_take_no_memory_and_none_gets_more_than_its_envelope() {
    let free = Plan::free();
    for (slots, is_over_full) in [(SLOTS, true), (KEYS as usize * 8 / 5, false)] {
        let limiter = Limiter::new(slots).with_address_slots(slots);
        let regulars = [Key::tenant("https://auth.example", "regular"), address(u32::MAX)];
        let mut admitted = [0_u64; 2];
        assert!(limiter.check(&Key::tenant("", "first"), &free).is_allowed());
        let (last, used) = count(|| {
            let mut now = 0;
            for n in 0..KEYS {
                now = u64::from(n) / 1_000;
                let tick = Tick::from_millis(now);
                let _ = limiter.check_at(&tenant(n, &mut [0; 8]), &free, 1, tick);
                let _ = limiter.check_at(&address(n), &free, 1, tick);
                if n.is_multiple_of(10) {
                    for (key, admitted) in regulars.iter().zip(&mut admitted) {
                        *admitted += u64::from(limiter.check_at(key, &free, 1, tick).is_allowed());
                    }
                }
            }
            now
        });
        assert_eq!(used, Count::default(), "{slots}");
        assert_eq!(limiter.replaced() > 0, is_over_full, "{slots}");
        assert!(admitted.iter().all(|admitted| *admitted <= 60 + last / 1_000), "{slots}: {admitted:?}");
        assert!(is_over_full || admitted.iter().all(|admitted| *admitted >= 59 + last / 1_000), "{admitted:?}");
    }
}
