//! Requests on other threads while the keys change.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{SIGNERS, fetch, fixture, jwks_of};
use crate::forge::now;

#[test]
fn no_request_is_refused_a_key_that_stays_while_the_others_change_under_it() {
    let (world, verifier, keys, mut refresh) = fixture();
    let verifier = verifier.with_cache(0);
    fetch(&world, &mut refresh, jwks_of(&[1, 2])).unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut asked = 0;
                    while !is_over.load(Ordering::Relaxed) || asked == 0 {
                        assert_eq!(verifier.verify_at(&SIGNERS[1].token, now()).err(), None);
                        asked += 1;
                    }
                })
            })
            .collect();
        for round in 0..500 {
            // The key that stays moves within the set, and own keys change beside it.
            let answer = if round % 2 == 0 { jwks_of(&[2, 1]) } else { jwks_of(&[3, 2, 4, 1]) };
            fetch(&world, &mut refresh, answer).unwrap();
            keys.replace([SIGNERS[0].public()]).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
    assert_eq!(keys.generation(), 1_001);
}
