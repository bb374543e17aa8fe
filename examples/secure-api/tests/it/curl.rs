//! The requests printed at the start, as pasted into a shell.

use std::process::Command;

use crate::server::Server;

#[test]
fn each_printed_request_works_as_pasted_and_names_no_secret() {
    if Command::new("curl").arg("--version").output().is_err() {
        // Without curl there is nothing to paste into.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("it's a folder");
    let mut server = Server::start(&data);
    let printed = server.printed_requests();
    for member in ["owner", "free", "pro", "enterprise", "readonly", "api_key"] {
        let secret = server.secret(member).text;
        assert!(!printed.iter().any(|line| line.contains(&secret)), "{member} is printed");
    }
    let requests: Vec<&String> = printed.iter().filter(|line| line.starts_with("curl ")).collect();
    let statuses: Vec<String> = requests.iter().map(|line| status(line)).collect();
    assert_eq!(statuses, ["200", "200", "201", "200", "403", "201", "200", "200", "403"], "{requests:#?}");
}

fn status(line: &str) -> String {
    let line = format!("{line} -s -o /dev/null -w '%{{http_code}}'");
    let output = Command::new("sh").args(["-c", &line]).output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{line}");
    String::from_utf8(output.stdout).unwrap()
}
