use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aetherflow_auth::audit::{Action, Cursor, Event, JsonLines, LogError, LogFolder, Page, Sink};
use aetherflow_auth::{CredentialKind, Environment, Identity};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

const NOW: DateTime<Utc> =
    DateTime::from_timestamp(1_700_000_000, 987_654_321).expect("a time chrono can hold");

/// A new folder for one test, removed with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("aetherflow-audit-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn folder(&self) -> LogFolder {
        LogFolder::new(&self.0)
    }

    fn file(&self, number: u32) -> PathBuf {
        self.0.join(format!("{number:08}.jsonl"))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("a folder that was made");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.retain(|name| name.ends_with(".jsonl"));
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _removed = fs::remove_dir_all(&self.0);
    }
}

fn event(number: u16) -> Event {
    Event::new(Action::Allowed, NOW).with_status(number)
}

fn open(folder: LogFolder) -> JsonLines {
    JsonLines::open(folder, |failure| panic!("{failure}")).expect("a folder that can be written")
}

fn write(folder: LogFolder, numbers: impl IntoIterator<Item = u16>) {
    let log = open(folder);
    numbers.into_iter().for_each(|number| log.record(event(number)));
}

fn numbers(page: &Page) -> Vec<u16> {
    page.events().iter().filter_map(Event::status).collect()
}

fn page(scratch: &Scratch, after: Option<Cursor>, limit: usize) -> Page {
    scratch.folder().page(after, limit, |_| true).expect("a readable log")
}

fn append(path: &Path, bytes: &[u8]) {
    let mut content = fs::read(path).expect("a file of the log");
    content.extend_from_slice(bytes);
    fs::write(path, content).expect("a file of the log");
}

#[test]
fn a_full_event_is_one_line_with_its_members_in_order() {
    let full = Event::new(Action::Refused, NOW)
        .with_request_id("r-1")
        .with_target("tok-2")
        .with_environment(Environment::staging())
        .with_credential(CredentialKind::ApiKey, "0123456789AB")
        .with_client("afcl_0123456789AB")
        .with_identity(Identity::new("https://a", Some("acme"), "alice"))
        .with_address("::ffff:203.0.113.9".parse().unwrap())
        .with_route("/v2/workflows/{id}")
        .with_request("GET", "/v2/workflows/7?access_token=secret")
        .with_status(403)
        .with_reason("the scope is missing");
    let scratch = Scratch::new();
    let log = open(scratch.folder());
    log.record(full.clone());
    log.flush().unwrap();
    assert_eq!(
        fs::read_to_string(scratch.file(1)).unwrap(),
        concat!(
            r#"{"time":"2023-11-14T22:13:20.987Z","action":"refused","reason":"the scope is missing","status":403,"#,
            r#""method":"GET","path":"/v2/workflows/7","route":"/v2/workflows/{id}","address":"203.0.113.9","#,
            r#""issuer":"https://a","tenant":"acme","subject":"alice","client":"afcl_0123456789AB","#,
            r#""kind":"api_key","credential":"0123456789AB","environment":"staging","target":"tok-2","#,
            r#""request":"r-1"}"#,
            "\n"
        )
    );
    assert_eq!(page(&scratch, None, 10).events(), [full]);
}

#[test]
fn absent_members_are_left_out() {
    let bare = Event::new(Action::Issued, NOW);
    let line = serde_json::to_string(&bare).unwrap();
    assert_eq!(line, r#"{"time":"2023-11-14T22:13:20.987Z","action":"issued"}"#);
    assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), bare);
}

#[test]
fn each_action_has_its_word() {
    for (action, word) in [
        (Action::Allowed, r#""allowed""#),
        (Action::Refused, r#""refused""#),
        (Action::CredentialExposed, r#""credential_exposed""#),
        (Action::CredentialClaimed, r#""credential_claimed""#),
        (Action::Issued, r#""issued""#),
        (Action::Rotated, r#""rotated""#),
        (Action::Revoked, r#""revoked""#),
    ] {
        assert_eq!(serde_json::to_string(&action).unwrap(), word);
    }
}

#[test]
fn long_text_of_a_client_is_cut_between_characters() {
    let path = format!("/{}", "é".repeat(1_000));
    let event = Event::new(Action::Refused, NOW).with_request(&"G".repeat(1_024), &path);
    assert_eq!(event.path().unwrap(), format!("/{}…", "é".repeat(511)));
    assert_eq!(event.method().unwrap().len(), 1_024);
}

#[test]
fn a_path_with_a_line_end_stays_on_its_line() {
    let scratch = Scratch::new();
    let log = open(scratch.folder());
    log.record(Event::new(Action::Refused, NOW).with_request("GET", "/\n{\"action\":\"allowed\"}\r\0"));
    log.flush().unwrap();
    assert_eq!(fs::read_to_string(scratch.file(1)).unwrap().lines().count(), 1);
    assert_eq!(page(&scratch, None, 10).events()[0].path(), Some("/\n{\"action\":\"allowed\"}\r\0"));
}

#[test]
fn a_log_goes_on_where_it_ended() {
    let scratch = Scratch::new();
    write(scratch.folder(), [1, 2]);
    write(scratch.folder(), [3]);
    assert_eq!(numbers(&page(&scratch, None, 10)), [3, 2, 1]);
    assert_eq!(scratch.names(), ["00000001.jsonl"]);
}

#[test]
fn a_full_file_is_followed_by_the_next_and_holds_whole_lines() {
    let scratch = Scratch::new();
    write(scratch.folder().with_file_size(200), 0..10);
    write(scratch.folder().with_file_size(200), 10..12);
    let names = scratch.names();
    assert_eq!(names, ["00000001.jsonl", "00000002.jsonl", "00000003.jsonl"]);
    for name in &names {
        let content = fs::read_to_string(scratch.0.join(name)).unwrap();
        assert!(content.ends_with('\n') && content.len() < 400, "{name}: {content}");
    }
    assert_eq!(numbers(&page(&scratch, None, 100)), Vec::from_iter((0..12).rev()));
}

#[test]
fn a_line_cut_short_by_a_crash_is_cut_off_and_told_of() {
    let scratch = Scratch::new();
    write(scratch.folder(), [1, 2]);
    append(&scratch.file(1), br#"{"time":"20"#);
    assert_eq!(numbers(&page(&scratch, None, 10)), [2, 1]);
    let log = open(scratch.folder());
    assert_eq!(log.torn(), 11);
    log.record(event(3));
    drop(log);
    let again = open(scratch.folder());
    assert_eq!((again.torn(), numbers(&page(&scratch, None, 10))), (0, vec![3, 2, 1]));
}

#[test]
fn a_file_that_is_one_cut_line_is_emptied() {
    let scratch = Scratch::new();
    fs::create_dir_all(&scratch.0).unwrap();
    fs::write(scratch.file(1), "x".repeat(100_000)).unwrap();
    assert_eq!(open(scratch.folder()).torn(), 100_000);
    assert_eq!(fs::metadata(scratch.file(1)).unwrap().len(), 0);
}

#[test]
fn a_folder_has_one_writer_at_a_time() {
    let scratch = Scratch::new();
    let first = open(scratch.folder());
    let refused = JsonLines::open(scratch.folder(), |_| ()).unwrap_err();
    assert!(matches!(&refused, LogError::InUse(path) if *path == scratch.0), "{refused}");
    drop(first);
    write(scratch.folder(), [1]);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_at_opening() {
    let scratch = Scratch::new();
    fs::write(&scratch.0, "a file").unwrap();
    let refused = JsonLines::open(scratch.folder(), |_| ()).unwrap_err();
    assert!(matches!(&refused, LogError::Io { path, .. } if *path == scratch.0), "{refused}");
    fs::remove_file(&scratch.0).unwrap();
}

#[test]
fn a_queue_of_one_loses_nothing() {
    let scratch = Scratch::new();
    write(scratch.folder().with_queue(1), 0..1_000);
    assert_eq!(numbers(&page(&scratch, None, 1_000)), Vec::from_iter((0..1_000).rev()));
}

#[test]
fn events_of_many_threads_are_all_kept_each_threads_in_order() {
    let scratch = Scratch::new();
    let log = open(scratch.folder().with_queue(8));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let log = &log;
            scope.spawn(move || (0..100).for_each(|number| log.record(event(thread * 100 + number))));
        }
    });
    log.flush().unwrap();
    let mut all = numbers(&page(&scratch, None, 1_000));
    all.reverse();
    for thread in 0..4 {
        let of_thread: Vec<_> = all.iter().copied().filter(|number| number / 100 == thread).collect();
        assert_eq!(of_thread, Vec::from_iter(thread * 100..thread * 100 + 100));
    }
}

/// A log that cannot go on after its first event: a folder has the name of its second file.
fn failing_log(scratch: &Scratch, told: &Arc<Mutex<Vec<String>>>) -> JsonLines {
    let told = Arc::clone(told);
    let on_failure = move |failure: &LogError| told.lock().expect("one teller").push(failure.to_string());
    let log = JsonLines::open(scratch.folder().with_file_size(1).with_queue(1), on_failure);
    fs::create_dir(scratch.file(2)).expect("a new folder");
    log.expect("a folder that can be written")
}

#[test]
fn a_failed_write_is_told_once_and_blocks_nobody_after_it() {
    let (scratch, told) = (Scratch::new(), Arc::default());
    let log = failing_log(&scratch, &told);
    assert!(log.failure().is_none());
    (0..100).for_each(|number| log.record(event(number)));
    let want = format!("the audit log cannot use {}", scratch.file(2).display());
    assert_eq!(log.flush().unwrap_err().to_string(), want);
    assert_eq!(log.flush().unwrap_err().to_string(), want);
    assert_eq!(log.failure().map(LogError::to_string), Some(want.clone()));
    log.record(event(7));
    drop(log);
    assert_eq!(*told.lock().unwrap(), [want]);
    fs::remove_dir(scratch.file(2)).unwrap();
    assert_eq!(numbers(&page(&scratch, None, 10)), [0]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_log_and_says_why() {
    let scratch = Scratch::new();
    fs::create_dir_all(&scratch.0).unwrap();
    std::os::unix::fs::symlink("/dev/full", scratch.file(1)).unwrap();
    let log = JsonLines::open(scratch.folder(), |_| ()).unwrap();
    log.record(event(1));
    let LogError::Io { path, source } = log.flush().unwrap_err() else { panic!("no error of the disk") };
    assert_eq!((path, source.kind()), (scratch.file(1), std::io::ErrorKind::StorageFull));
}

#[test]
fn pages_read_a_log_from_its_end_to_its_beginning() {
    let scratch = Scratch::new();
    write(scratch.folder().with_file_size(200), 0..7);
    let first = page(&scratch, None, 3);
    let second = page(&scratch, first.next(), 3);
    let third = page(&scratch, second.next(), 3);
    let read = [&first, &second, &third].map(numbers);
    assert_eq!(read, [vec![6, 5, 4], vec![3, 2, 1], vec![0]]);
    assert_eq!(third.next(), None);
}

#[test]
fn a_page_that_ends_with_the_log_has_no_next() {
    let scratch = Scratch::new();
    write(scratch.folder(), 0..3);
    assert_eq!(page(&scratch, None, 3).next(), None);
    assert_eq!(numbers(&page(&scratch, page(&scratch, None, 2).next(), 2)), [0]);
}

#[test]
fn a_page_has_at_least_one_event_and_at_most_a_thousand() {
    let scratch = Scratch::new();
    write(scratch.folder(), 0..1_001);
    assert_eq!(numbers(&page(&scratch, None, 0)), [1_000]);
    assert_eq!(numbers(&page(&scratch, None, usize::MAX)).len(), 1_000);
}

#[test]
fn a_cursor_stays_where_it_is_while_events_are_added() {
    let scratch = Scratch::new();
    write(scratch.folder(), 0..4);
    let cursor = page(&scratch, None, 2).next();
    write(scratch.folder(), 4..9);
    assert_eq!(numbers(&page(&scratch, cursor, 9)), [1, 0]);
}

#[test]
fn only_wanted_events_are_counted_and_given() {
    let scratch = Scratch::new();
    write(scratch.folder(), 0..10);
    let is_even = |event: &Event| event.status().is_some_and(|status| status % 2 == 0);
    let first = scratch.folder().page(None, 3, is_even).unwrap();
    let second = scratch.folder().page(first.next(), 3, is_even).unwrap();
    assert_eq!((numbers(&first), numbers(&second), second.next()), (vec![8, 6, 4], vec![2, 0], None));
}

#[test]
fn a_cursor_travels_as_text() {
    let scratch = Scratch::new();
    write(scratch.folder(), 0..4);
    let cursor = page(&scratch, None, 2).next().unwrap();
    assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
    for text in [
        "",
        ".",
        "1",
        "1.",
        ".1",
        "-1.0",
        "+1.0",
        "1.0.0",
        "1.x",
        "99999999999.0",
        "1.99999999999999999999",
        "é.1",
    ] {
        let refused = text.parse::<Cursor>().unwrap_err();
        assert!(matches!(refused, LogError::Cursor), "{text}: {refused}");
    }
}

#[test]
fn a_cursor_that_no_page_gave_is_refused() {
    let scratch = Scratch::new();
    write(scratch.folder(), 0..4);
    let length = fs::metadata(scratch.file(1)).unwrap().len();
    for text in [
        "1.1".to_owned(),
        "1.30".to_owned(),
        format!("1.{}", length + 1),
        format!("1.{}", u64::MAX),
        "2.0".to_owned(),
    ] {
        let refused = scratch.folder().page(Some(text.parse().unwrap()), 9, |_| true).unwrap_err();
        assert!(matches!(refused, LogError::Cursor), "{text}: {refused}");
    }
    let end = format!("1.{length}").parse().unwrap();
    assert_eq!(numbers(&page(&scratch, Some(end), 9)), [3, 2, 1, 0]);
}

#[test]
fn a_cursor_into_a_file_archived_since_goes_on_before_it() {
    let scratch = Scratch::new();
    write(scratch.folder().with_file_size(0), 0..4);
    let cursor = page(&scratch, None, 2).next();
    fs::remove_file(scratch.file(3)).unwrap();
    assert_eq!(numbers(&page(&scratch, cursor, 9)), [1, 0]);
}

#[test]
fn damaged_lines_are_passed_over_and_counted() {
    let scratch = Scratch::new();
    write(scratch.folder(), [1]);
    append(&scratch.file(1), b"{\"time\":\"no time\",\"action\":\"allowed\"}\n\n\xff\n{}\n");
    write(scratch.folder(), [2]);
    let page = page(&scratch, None, 10);
    assert_eq!((numbers(&page), page.unreadable()), (vec![2, 1], 4));
}

#[test]
fn lines_longer_than_a_block_are_read_whole() {
    let scratch = Scratch::new();
    let log = open(scratch.folder());
    let subject = "x".repeat(200_000);
    log.record(event(1));
    log.record(event(2).with_identity(Identity::new("https://a", None, subject.as_str())));
    log.record(event(3));
    log.flush().unwrap();
    let page = page(&scratch, None, 10);
    assert_eq!(numbers(&page), [3, 2, 1]);
    assert_eq!(page.events()[1].identity().unwrap().subject(), subject);
}

#[test]
fn a_page_gives_up_looking_after_a_bounded_stretch_and_says_where() {
    let scratch = Scratch::new();
    write(scratch.folder(), [1]);
    append(&scratch.file(1), format!("{}\n", "x".repeat(999)).repeat(17_000).as_bytes());
    let is_rare = |event: &Event| event.status() == Some(1);
    let first = scratch.folder().page(None, 10, is_rare).unwrap();
    assert_eq!((numbers(&first), first.unreadable()), (vec![], 16_778));
    let second = scratch.folder().page(first.next(), 10, is_rare).unwrap();
    assert_eq!((numbers(&second), second.next()), (vec![1], None));
}

#[test]
fn other_files_of_the_folder_are_left_alone() {
    let scratch = Scratch::new();
    fs::create_dir_all(&scratch.0).unwrap();
    for name in ["7.jsonl", "000000009.jsonl", "+0000009.jsonl", "checkpoints", "00000009.json"] {
        fs::write(scratch.0.join(name), "x").unwrap();
    }
    write(scratch.folder(), [1]);
    assert_eq!(numbers(&page(&scratch, None, 10)), [1]);
    assert_eq!(fs::read_to_string(scratch.0.join("7.jsonl")).unwrap(), "x");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn pages_of_any_size_over_files_of_any_size_give_each_event_once(
        events in 0..25_u16,
        file_size in 0..600_u64,
        limit in 1..12_usize,
    ) {
        let scratch = Scratch::new();
        write(scratch.folder().with_file_size(file_size), 0..events);
        let mut read = Vec::new();
        let mut next = None;
        loop {
            let page = page(&scratch, next, limit);
            read.extend(numbers(&page));
            next = page.next();
            if next.is_none() { break; }
            prop_assert_eq!(page.events().len(), limit);
        }
        prop_assert_eq!(read, Vec::from_iter((0..events).rev()));
    }

    #[test]
    fn an_event_of_any_text_reads_back(method in any::<String>(), path in "[^?]{0,300}", subject in any::<String>()) {
        let event = Event::new(Action::Refused, NOW + TimeDelta::seconds(1))
            .with_request(&method, &path)
            .with_identity(Identity::new("https://a", None, subject));
        let line = serde_json::to_string(&event).unwrap();
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
    }
}

#[test]
fn a_record_is_never_earlier_than_the_one_before_it() {
    let scratch = Scratch::new();
    let log = open(scratch.folder());
    for (status, seconds) in [(1, 5), (2, 3), (3, 5), (4, 9)] {
        log.record(Event::new(Action::Allowed, NOW + TimeDelta::seconds(seconds)).with_status(status));
    }
    drop(log);
    let page = scratch.folder().page(None, 10, |_| true).unwrap();
    let seen: Vec<_> = page
        .events()
        .iter()
        .map(|event| (event.status(), event.time().timestamp() - NOW.timestamp()))
        .collect();
    assert_eq!(seen, [(Some(4), 9), (Some(3), 5), (Some(2), 5), (Some(1), 5)]);
}
