//! Whatever a client sends gets an answer, and none without its checks.

use aetherflow_tower::Connection;
use http::{HeaderName, HeaderValue, Method, Request, Uri, Version};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::service::{PEER, PROXY, Service, problem};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_request_without_a_good_credential_reaches_a_protected_handler(
        method in method(),
        target in target(),
        fields in vec((name(), value()), 0..5),
        (is_tls, is_proxied, is_http2) in any::<(bool, bool, bool)>(),
    ) {
        let (Ok(uri), Ok(method)) = (target.parse::<Uri>(), Method::from_bytes(method.as_bytes())) else { return Ok(()) };
        let mut request = Request::new(());
        (*request.uri_mut(), *request.method_mut()) = (uri, method.clone());
        for (name, value) in fields {
            let Ok(value) = HeaderValue::from_bytes(&value) else { continue };
            request.headers_mut().append(HeaderName::from_static(name), value);
        }
        if is_http2 {
            *request.version_mut() = Version::HTTP_2;
        }
        let peer = (if is_proxied { PROXY } else { PEER }, 1);
        request.extensions_mut().insert(if is_tls { Connection::tls(peer) } else { Connection::plain(peer) });
        let path = request.uri().path().to_owned();

        let service = Service::new();
        let answer = service.send(request);
        prop_assert_eq!(service.events.take().len(), 1);
        let is_open = (path == "/healthz" || path == "/feed") && matches!(method.as_str(), "GET" | "HEAD");
        prop_assert!(service.calls() == 0 || is_open, "{} {} was served", method, path);
        let is_expected = matches!(answer.status().as_u16(), 200 | 400 | 401 | 403 | 405);
        prop_assert!(is_expected, "{:?}", problem(&answer));
    }
}

fn method() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["GET", "POST", "HEAD", "OPTIONS", "DELETE", "get", "CONNECT"]).prop_map(str::to_owned),
        1 => "[!-~]{1,8}",
    ]
}

fn target() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "healthz",
        "feed",
        "v2",
        "workflows",
        "usage",
        "files",
        "execute",
        "..",
        ".",
        "",
        "%2e",
        "%2f",
        "%",
        ";",
        "%00",
        "flow.Workflows",
        "List",
        "a",
        "V2",
    ]);
    prop_oneof![
        3 => vec(part, 0..5).prop_map(|parts| format!("/{}", parts.join("/"))),
        1 => "/\\PC{0,20}",
        1 => Just("*".to_owned()),
        1 => "/(healthz|feed|v2/usage)\\?(access_token|a)(=[a-z]{0,3})?",
    ]
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "authorization",
        "x-api-key",
        "x-forwarded-for",
        "x-forwarded-proto",
        "forwarded",
        "te",
        "content-type",
        "host",
    ])
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => vec(any::<u8>(), 0..40),
        2 => "(Bearer |bearer |Basic |)[A-Za-z0-9._~+/=-]{0,40}".prop_map(String::into_bytes),
        1 => "(https|http|trailers|application/grpc|for=[a-z0-9.\"\\[\\]:;,=]{0,20}|[0-9a-f.:, ]{0,30})"
            .prop_map(String::into_bytes),
        1 => "af_(live|dev)_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}".prop_map(String::into_bytes),
        1 => "[A-Za-z0-9_-]{1,20}\\.[A-Za-z0-9_-]{1,20}\\.[A-Za-z0-9_-]{0,20}".prop_map(|jwt| format!("Bearer {jwt}").into_bytes()),
    ]
}
