//! The registered claims, read strictly: each has its type even where it is optional (RFC 7519 §4.1, RFC 9068 §2.2).

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::date::numeric_date;
use super::json::{Malformed, Walker};

type Text<'a> = Option<Cow<'a, str>>;

/// What a token says of itself; not believed before its signature held.
#[derive(Debug, Default)]
pub(crate) struct Claims<'a> {
    pub(crate) issuer: Text<'a>,
    pub(crate) subject: Text<'a>,
    pub(crate) audience: Option<Audience<'a>>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) not_before: Option<DateTime<Utc>>,
    pub(crate) issued_at: Option<DateTime<Utc>>,
    pub(crate) id: Text<'a>,
    pub(crate) scope: Text<'a>,
    pub(crate) client: Text<'a>,
    pub(crate) environment: Text<'a>,
    pub(crate) tenant: Text<'a>,
    pub(crate) plan: Text<'a>,
    pub(crate) addresses: Option<Vec<Cow<'a, str>>>,
    pub(crate) is_bound: bool,
}

impl<'a> Claims<'a> {
    pub(crate) fn read(text: &'a str) -> Result<Self, Malformed> {
        let mut claims = Self::default();
        Walker::new(text).whole_object(|name, walker| claims.take(name, walker))?;
        Ok(claims)
    }

    fn take(&mut self, name: &str, walker: &mut Walker<'a>) -> Result<(), Malformed> {
        match name {
            "iss" => self.issuer = filled(walker)?,
            "sub" => self.subject = filled(walker)?,
            "aud" => self.audience = Some(Audience::read(walker)?),
            "exp" => self.expires_at = Some(numeric_date(walker.number()?)?),
            "nbf" => self.not_before = Some(numeric_date(walker.number()?)?),
            "iat" => self.issued_at = Some(numeric_date(walker.number()?)?),
            "jti" => self.id = filled(walker)?,
            "scope" => self.scope = Some(walker.string()?),
            "client_id" => self.client = filled(walker)?,
            "env" => self.environment = filled(walker)?,
            "tenant" => self.tenant = filled(walker)?,
            "plan" => self.plan = filled(walker)?,
            "ip" => self.addresses = Some(walker.strings()?),
            "cnf" => {
                self.is_bound = true;
                walker.skip()?;
            }
            _ => walker.skip()?,
        }
        Ok(())
    }
}

/// A name that decides who is meant cannot be empty.
fn filled<'a>(walker: &mut Walker<'a>) -> Result<Text<'a>, Malformed> {
    let text = walker.string()?;
    if text.is_empty() { Err(Malformed) } else { Ok(Some(text)) }
}

/// One audience or several (RFC 7519 §4.1.3).
#[derive(Debug)]
pub(crate) enum Audience<'a> {
    One(Cow<'a, str>),
    Several(Vec<Cow<'a, str>>),
}

impl<'a> Audience<'a> {
    fn read(walker: &mut Walker<'a>) -> Result<Self, Malformed> {
        if walker.at_array() { walker.strings().map(Self::Several) } else { walker.string().map(Self::One) }
    }

    pub(crate) fn names(&self, service: &str) -> bool {
        match self {
            Self::One(one) => one == service,
            Self::Several(all) => all.iter().any(|one| one == service),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_in_any_order_and_spelling() {
        let text =
            r#" {"exp":1.5e9, "x":{"exp":0}, "\u0073ub":"al\u0069ce","aud":["a","b"],"iss":"https://i"} "#;
        let claims = Claims::read(text).unwrap();
        assert_eq!(claims.subject.as_deref(), Some("alice"));
        assert_eq!(claims.issuer.as_deref(), Some("https://i"));
        assert_eq!(claims.expires_at.map(|at| at.timestamp()), Some(1_500_000_000));
        let audience = claims.audience.unwrap();
        assert_eq!([audience.names("a"), audience.names("b"), audience.names("ab")], [true, true, false]);
    }

    #[test]
    fn a_registered_claim_of_another_type_is_malformed_even_where_it_is_optional() {
        for claim in [
            r#""iss":["a"]"#,
            r#""iss":null"#,
            r#""iss":"""#,
            r#""sub":7"#,
            r#""sub":"""#,
            r#""aud":7"#,
            r#""aud":null"#,
            r#""aud":{"a":1}"#,
            r#""aud":["a",7]"#,
            r#""aud":[["a"]]"#,
            r#""exp":"1500000000""#,
            r#""exp":null"#,
            r#""exp":true"#,
            r#""nbf":null"#,
            r#""nbf":"0""#,
            r#""iat":[1]"#,
            r#""jti":1"#,
            r#""jti":"""#,
            r#""scope":["a"]"#,
            r#""scope":null"#,
            r#""client_id":{}"#,
            r#""env":1"#,
            r#""tenant":"""#,
            r#""plan":false"#,
            r#""ip":"10.0.0.0/8""#,
            r#""ip":[1]"#,
            r#""ip":null"#,
        ] {
            assert_eq!(Claims::read(&format!("{{{claim}}}")).err(), Some(Malformed), "{claim}");
        }
    }
}
