//! A start that is refused: all faults at once, before anything listens.

use std::fs;

use crate::server::{refused_start, refused_start_limited};

#[test]
fn every_fault_of_the_configuration_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    crate::server::Server::start(&data).stop();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let keys = folder.path().join("keys.jwks");
    fs::write(&keys, r#"{"keys":[{"kty":"EC"}]}"#).unwrap();
    let keys = keys.to_str().unwrap();
    let options = [
        "--listen",
        "nowhere",
        "--listen-plain",
        &taken,
        "--issuer",
        "https://other.example",
        "--audience",
        "other",
        "--environment",
        "Live Site",
        "--listen-proxied",
        "127.0.0.1:0",
        "--trust-jwks",
        keys,
        "--audit-log",
        "/dev/null",
        "--colour",
    ];
    let refused = refused_start(&data, &options);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(String::from_utf8(refused.stdout).unwrap(), "");
    let told = String::from_utf8(refused.stderr).unwrap();
    for part in [
        "secure-api: the configuration has 9 faults",
        "unknown option --colour",
        "--listen nowhere: ",
        &format!("--listen-plain {taken}: "),
        "--environment Live Site: ",
        "--listen-proxied needs at least one --trusted-proxy",
        &format!("--trust-jwks {keys}: has no key that can be used; key 0: "),
        "data: was made for the issuer https://auth.aetherflow.localhost",
        "data: was made for the audience https://api.aetherflow.localhost",
        "/dev/null: ",
    ] {
        assert!(told.contains(part), "`{part}` is not in:\n{told}");
    }
}

#[test]
fn every_file_of_the_data_folder_that_cannot_be_used_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("keys")).unwrap();
    fs::create_dir_all(folder.path().join("audit/00000001.jsonl")).unwrap();
    let refused = refused_start(folder.path(), &["--trust-jwks", "/no/such.jwks"]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("the configuration has 2 faults"), "{told}");
    assert!(told.contains("the audit log: "), "{told}");
    fs::remove_dir_all(folder.path().join("audit")).unwrap();
    for name in ["keys/signing.p8", "keys/pepper", "keys/ca.key"] {
        fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    let refused = refused_start(folder.path(), &[]);
    let told = String::from_utf8(refused.stderr).unwrap();
    for part in ["the configuration has 3 faults", "/keys/signing.p8: ", "/keys/pepper: ", "/keys/ca.key: "] {
        assert!(told.contains(part), "`{part}` is not in:\n{told}");
    }
}

#[test]
fn a_refused_start_ties_a_new_folder_to_nothing_and_mends_no_log_of_another_deployment() {
    let folder = tempfile::tempdir().unwrap();
    let (new, used) = (folder.path().join("new"), folder.path().join("used"));
    fs::create_dir_all(new.join("keys/pepper")).unwrap();
    refused_start(&new, &["--issuer", "https://mistyped.example"]);
    fs::remove_dir(new.join("keys/pepper")).unwrap();
    crate::server::Server::start(&new).stop();
    crate::server::Server::start(&used).stop();
    let log = used.join("audit/00000001.jsonl");
    let torn = [&fs::read(&log).unwrap()[..], b"{\"torn\":"].concat();
    fs::write(&log, &torn).unwrap();
    refused_start(&used, &["--issuer", "https://other.example"]);
    assert_eq!(fs::read(&log).unwrap(), torn);
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("file"), "").unwrap();
    fs::create_dir_all(path.join("broken")).unwrap();
    fs::write(path.join("broken/secure-api.db"), "no database".repeat(100)).unwrap();
    fs::create_dir_all(path.join("keyless/keys")).unwrap();
    fs::write(path.join("keyless/keys/signing.p8"), "no key").unwrap();
    for (name, want) in [
        ("file", "/file: "),
        ("file/below", "/file/below: "),
        ("broken", "the database secure-api.db: file is not a database"),
        ("keyless", "keys/signing.p8: "),
    ] {
        let refused = refused_start(&path.join(name), &[]);
        let told = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{name}: {told}");
        assert!(told.contains(want), "`{want}` is not in:\n{told}");
    }
}

#[test]
fn a_folder_made_for_another_environment_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    crate::server::Server::start(folder.path()).stop();
    let refused = refused_start(folder.path(), &["--environment", "staging"]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("was made for the environment production"), "{told}");
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn a_port_in_use_is_named_with_its_option() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = refused_start(folder.path(), &["--listen", &address]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains(&format!("--listen {address}: ")), "{told}");
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn a_disk_that_takes_no_more_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    for (blocks, want) in [(1, "/ca.pem: File too large"), (32, "the database secure-api.db: disk I/O error")]
    {
        let data = folder.path().join(blocks.to_string());
        // Writing beyond the limit is then an error instead of the program's end.
        let refused = refused_start_limited(&data, &format!("trap '' XFSZ; ulimit -f {blocks}"));
        let told = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{told}");
        assert!(told.contains(want), "`{want}` is not in:\n{told}");
    }
}
