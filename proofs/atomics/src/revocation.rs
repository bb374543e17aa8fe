#[path = "../../../aetherflow-auth/src/revocation/name.rs"]
mod name;
#[path = "../../../aetherflow-auth/src/revocation/news.rs"]
mod news;
#[path = "../../../aetherflow-auth/src/revocation/outbox.rs"]
mod outbox;
#[path = "../../../aetherflow-auth/src/revocation/pulse.rs"]
mod pulse;
#[path = "../../../aetherflow-auth/src/revocation/snapshot.rs"]
mod snapshot;
#[path = "../../../aetherflow-auth/src/revocation/table.rs"]
mod table;

use chrono::{DateTime, Utc};
use loom::sync::Arc;
use loom::thread;

use news::{Clearance, News};
use outbox::Outbox;
use pulse::Pulse;
use table::Table;

const NAME: [&str; 2] = ["https://auth.example", "token-1"];

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap()
}

/// Panics where it does not hold in some order.
pub fn whoever_sees_the_feed_proven_sees_what_was_revoked_before() {
    loom::model(|| {
        let pulse = Pulse::alone();
        pulse.begin(false);
        let shared = Arc::new((Table::new(), pulse));
        let feed = Arc::clone(&shared);
        let heard = thread::spawn(move || {
            assert!(feed.0.raise(&NAME, 7));
            feed.1.prove(now());
        });
        if shared.1.is_current_at(now()) {
            assert_eq!(shared.0.end_of(&NAME), Some(7));
        }
        heard.join().unwrap();
        assert_eq!(shared.0.end_of(&NAME), Some(7));
    });
}

/// Panics where it does not hold in some order.
pub fn what_is_revoked_while_a_feed_begins_is_in_its_first_look_or_in_its_outbox() {
    loom::model(|| {
        let shared = Arc::new((Table::new(), Outbox::default()));
        let host = Arc::clone(&shared);
        let revoking = thread::spawn(move || {
            assert!(host.0.raise(&NAME, 7));
            host.1.is_open()
        });
        shared.1.open();
        let mut seen = Vec::new();
        shared.0.for_each(|_, end| seen.push(end));
        assert!(revoking.join().unwrap() || seen == [7]);
    });
}

/// Panics where it does not hold in some order.
pub fn ends_only_grow_whoever_raises_them_first() {
    loom::model(|| {
        let table = Arc::new(Table::new());
        let other = Arc::clone(&table);
        let raising = thread::spawn(move || other.raise(&NAME, 9));
        table.raise(&NAME, 7);
        let first = table.end_of(&NAME);
        assert!(first == Some(7) || first == Some(9), "{first:?}");
        assert!(raising.join().unwrap());
        assert_eq!((table.end_of(&NAME), table.len()), (Some(9), 1));
    });
}

/// Panics where it does not hold in some order.
pub fn whoever_sees_the_feed_begun_sees_what_the_host_chose_for_its_loss() {
    loom::model(|| {
        let pulse = Arc::new(Pulse::alone());
        let feed = Arc::clone(&pulse);
        let losing = thread::spawn(move || {
            feed.begin(true);
            feed.prove(now());
            feed.lose();
        });
        // True while there is no feed, false before its first proof, true ever after.
        let asked = [pulse.is_current_at(now()), pulse.is_current_at(now()), pulse.is_current_at(now())];
        assert_ne!(asked, [false, true, false]);
        losing.join().unwrap();
        assert!(pulse.is_current_at(now()));
    });
}

/// Panics where it does not hold in some order.
pub fn a_token_that_was_cleared_is_found_by_whoever_revoked_it() {
    loom::model(|| {
        let shared = Arc::new((Table::new(), News::default(), Clearance::default()));
        let is_found = |(table, news, clearance): &(Table, News, Clearance)| {
            news.found_since(clearance, || table.end_of(&NAME).is_some())
        };
        let revoke = |(table, news, _): &(Table, News, Clearance)| {
            news.tell_of(|| table.raise(&NAME, 7));
        };
        let other = Arc::clone(&shared);
        let node = thread::spawn(move || {
            revoke(&other);
            assert!(is_found(&other));
        });
        is_found(&shared);
        revoke(&shared);
        assert!(is_found(&shared));
        node.join().unwrap();
        assert!(is_found(&shared));
    });
}

/// Panics where it does not hold in some order.
pub fn a_token_is_cleared_of_no_more_than_was_looked_at() {
    loom::model(|| {
        let shared = Arc::new((Table::new(), News::default(), Clearance::default()));
        let other = Arc::clone(&shared);
        let revoking = thread::spawn(move || {
            other.1.tell_of(|| other.0.raise(&NAME, 7));
        });
        shared.1.found_since(&shared.2, || shared.0.end_of(&NAME).is_some());
        revoking.join().unwrap();
        assert!(shared.1.found_since(&shared.2, || shared.0.end_of(&NAME).is_some()));
    });
}
