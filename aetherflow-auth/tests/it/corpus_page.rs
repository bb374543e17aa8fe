//! docs/strictness.md, written from the corpus, so that it cannot say what is not so.

use std::fmt::Write as _;
use std::path::Path;

use jsonwebtoken::{Validation, get_current_timestamp};
use serde::Deserialize;

use crate::corpus::keys::{DEFAULT_PROVIDER, SIGNERS, Signer};
use crate::corpus::{AUDIENCE, CHAPTERS, CLAIMS, Hostile, ISSUER, Legal, legal};

#[test]
fn the_page_on_strictness_says_what_the_corpus_and_the_peer_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/strictness.md");
    let page = page(&measured());
    if std::env::var_os("WRITE_STRICTNESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(committed == page, "stale: run this test with WRITE_STRICTNESS=1 and commit the page");
}

/// The corpus, with the peer's answers.
struct Measured {
    hostile: Vec<(&'static str, Vec<(Hostile, bool)>)>,
    legal: Vec<(Legal, bool)>,
}

fn measured() -> Measured {
    // With both backends in one build its functions need a provider chosen, or they panic.
    let _first_is_kept = DEFAULT_PROVIDER.install_default();
    let hostile = CHAPTERS.map(|(title, chapter)| {
        let patience = if title == CLAIMS { 0 } else { MINUTE };
        (title, asked(patience, chapter, |case| (case.signer, &case.token)))
    });
    Measured { hostile: hostile.into(), legal: asked(MINUTE, legal, |case| (case.signer, &case.token)) }
}

/// Makes the cases and asks the peer, which reads the clock itself, until that takes no more seconds than `patience`.
fn asked<C>(
    patience: u64,
    make: impl Fn(i64) -> Vec<C>,
    token: impl Fn(&C) -> (Signer, &String),
) -> Vec<(C, bool)> {
    for _ in 0..100 {
        let second = get_current_timestamp();
        let cases = make(i64::try_from(second).unwrap()).into_iter().map(|case| {
            let (signer, text) = token(&case);
            let accepts = peer_accepts(signer, text);
            (case, accepts)
        });
        let cases = cases.collect();
        if get_current_timestamp() <= second + patience {
            return cases;
        }
    }
    panic!("the cases take longer than {patience} seconds")
}

#[expect(clippy::disallowed_methods, reason = "the peer as its users call it")]
fn peer_accepts(signer: Signer, token: &str) -> bool {
    let at = SIGNERS.iter().position(|one| *one == signer).unwrap();
    thread_local!(static PEER: [(jsonwebtoken::DecodingKey, Validation); 4] = SIGNERS.map(|signer| {
        let mut rules = Validation::new(signer.algorithm());
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        rules.validate_nbf = true;
        rules.leeway = 0;
        (signer.peer_key(), rules)
    }));
    PEER.with(|peer| jsonwebtoken::decode::<PeerClaims>(token, &peer[at].0, &peer[at].1).is_ok())
}

/// The claims every token must have, as an application would write them down.
#[derive(Deserialize)]
struct PeerClaims {
    #[serde(rename = "sub")]
    _sub: String,
    #[serde(rename = "exp")]
    _exp: f64,
    #[serde(rename = "iat")]
    _iat: f64,
    #[serde(rename = "jti")]
    _jti: String,
    #[serde(rename = "env")]
    _env: String,
    #[serde(rename = "scope", default)]
    _scope: Option<String>,
}

fn page(measured: &Measured) -> String {
    let cases = || measured.hostile.iter().flat_map(|(_, cases)| cases);
    let (all, accepted) = (cases().count(), cases().filter(|(_, accepts)| *accepts).count());
    let mut page = format!("{TITLE}{all} hostile tokens; jsonwebtoken accepts {accepted} of them.\n");
    for (chapter, cases) in &measured.hostile {
        write!(page, "\n## {chapter}\n\n{HOSTILE_HEAD}").unwrap();
        for (case, accepts) in cases {
            let (change, rule, answer) = (shown(&case.change), case.rule, case.want);
            writeln!(page, "| {change} | {rule} | `{answer:?}` | {} |", word(*accepts)).unwrap();
        }
    }
    let refused = measured.legal.iter().filter(|(_, accepts)| !accepts).count();
    let all = measured.legal.len();
    write!(page, "\n## Legal spellings\n\n{LEGAL}{all} spellings; jsonwebtoken refuses {refused} of them.\n\n{LEGAL_HEAD}")
        .unwrap();
    for (case, accepts) in &measured.legal {
        writeln!(page, "| {} | {} | {} |", case.spelling, case.rule, word(*accepts)).unwrap();
    }
    page
}

fn word(accepts: bool) -> &'static str {
    if accepts { "**accepts**" } else { "refuses" }
}

/// A change as it stands in a table's cell.
fn shown(change: &str) -> String {
    change.replace('|', "\\|")
}

const MINUTE: u64 = 60;
const TITLE: &str = "\
# Strictness

Tokens that must be refused, each one change away from a good one and, but for the chapter on signatures, signed well; the
rule each breaks; our answer (a `TokenError`, for the operator only: the caller is told one text for all). The page is
written by `tests/it/corpus_page.rs` of `aetherflow-auth` from the corpus beside it, which runs with every backend, and
a test fails when the two differ.

Rules without a number of an RFC are ours: *size cap* (8 KiB a token, 2 KiB a header), *depth cap* (32), *maximum age* (90
days), and the claims that [access-token.md](formats/access-token.md) adds.

The last column is measured, not believed: jsonwebtoken 11.1 `decode` with the aws-lc-rs backend, at its strictest: its
key, the one algorithm, issuer and audience set, `exp`, `iss`, `aud` and `sub` required, `nbf` checked, no leeway, the
claims read into a struct with `sub`, `exp`, `iat`, `jti` and `env` mandatory and `scope` optional. Where it accepts, an
application must have the rule itself; some rows are questions it is not meant to answer (`typ`, `kid`, `env`, `scope`,
`ip`, `cnf`, maximum age).

";
const HOSTILE_HEAD: &str = "| change | rule | answer | jsonwebtoken |\n|---|---|---|---|\n";
const LEGAL: &str = "What a reader must not refuse. ";
const LEGAL_HEAD: &str = "| spelling | rule | jsonwebtoken |\n|---|---|---|\n";
