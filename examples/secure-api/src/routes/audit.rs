//! The audit log, as far as a caller may read it: its own events, or with `manage:accounts` all.

use aetherflow_auth::audit::{Cursor, Event, LogError, Page};
use aetherflow_tower::axum::Principal;
use aetherflow_tower::rejection::Problem;
use axum::extract::{Query, State};
use axum::response::Response;
use http::{StatusCode, Uri};
use serde::{Deserialize, Serialize};

use super::App;
use crate::authority::manage_accounts;
use crate::{answer, operator};

/// GET /v2/audit
pub(super) async fn read(
    principal: Principal,
    State(app): State<App>,
    uri: Uri,
) -> Result<Response, Problem> {
    let wanted = Wanted::parse(&uri)?;
    let sees_all = manage_accounts().is_some_and(|scope| principal.scopes().contains(&scope));
    let own = principal.identity().clone();
    let is_shown = move |event: &Event| sees_all || event.identity() == Some(&own);
    let turn = app.turns.take_for_list(principal.identity()).await?;
    let page =
        app.history.read(wanted.after, wanted.limit, is_shown).await.map_err(|error| refused(&error))?;
    Ok(turn.hold(show(&page)))
}

struct Wanted {
    limit: usize,
    after: Option<Cursor>,
}

impl Wanted {
    fn parse(uri: &Uri) -> Result<Self, Problem> {
        let Query(asked) = Query::<Asked>::try_from_uri(uri).map_err(|_| Problem::INVALID_PARAMETERS)?;
        let limit = asked.limit.unwrap_or(USUAL_LIMIT);
        if !(1..=GREATEST_LIMIT).contains(&limit) {
            return Err(Problem::INVALID_PARAMETERS);
        }
        let after = asked.after.map(|text| text.parse()).transpose();
        Ok(Self { limit, after: after.map_err(|_| Problem::INVALID_PARAMETERS)? })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    limit: Option<usize>,
    after: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    events: &'a [Event],
    next: Option<String>,
}

fn show(page: &Page) -> Response {
    let next = page.next().map(|cursor| cursor.to_string());
    answer::json(StatusCode::OK, &Shown { events: page.events(), next })
}

fn refused(error: &LogError) -> Problem {
    if matches!(error, LogError::Cursor) {
        return Problem::INVALID_PARAMETERS;
    }
    operator::tell(format_args!("the audit log cannot be read: {}", operator::chain(error)));
    Problem::TEMPORARILY_UNAVAILABLE
}

const USUAL_LIMIT: usize = 100;
const GREATEST_LIMIT: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_1_to_1000_and_a_cursor_is_one_a_page_gave() {
        let limit = |query: &str| {
            let uri = format!("/v2/audit{query}").parse().unwrap();
            Wanted::parse(&uri)
                .map(|wanted| (wanted.limit, wanted.after.is_some()))
                .map_err(|problem| problem.slug())
        };
        for (query, want) in [
            ("", Ok((100, false))),
            ("?limit=1", Ok((1, false))),
            ("?limit=1000&after=1.0", Ok((1000, true))),
            ("?limit=0", Err("invalid-parameters")),
            ("?limit=1001", Err("invalid-parameters")),
            ("?limit=-1", Err("invalid-parameters")),
            ("?limit=x", Err("invalid-parameters")),
            ("?limit=", Err("invalid-parameters")),
            ("?limit=1&limit=2", Err("invalid-parameters")),
            ("?after=", Err("invalid-parameters")),
            ("?after=x", Err("invalid-parameters")),
            ("?before=1.0", Err("invalid-parameters")),
        ] {
            assert_eq!(limit(query), want, "{query}");
        }
    }
}
