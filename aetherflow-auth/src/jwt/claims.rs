//! The registered claims, read strictly: each has its type even where it is optional (RFC 7519 §4.1, RFC 9068 §2.2).

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::date::numeric_date;
use super::json::{Malformed, Walker};
use super::rules::{Names, Role};

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
    /// The one method by which the token is bound to a key (RFC 7800 §3.1); empty if that is not one.
    pub(crate) binding: Text<'a>,
    /// How many claims hold the text that was demanded of them.
    pub(crate) demanded: usize,
}

impl<'a> Claims<'a> {
    /// Reads the claims by their registered names. In place: the struct is too large to be moved about.
    pub(crate) fn read(&mut self, text: &'a str) -> Result<(), Malformed> {
        Walker::new(text).whole_object(|name, walker| self.take(name, walker))
    }

    /// Reads the claims of an issuer that spells some of them otherwise.
    pub(crate) fn read_named(&mut self, text: &'a str, names: &Names) -> Result<(), Malformed> {
        Walker::new(text).whole_object(|name, walker| match names.role(name) {
            Some(role) => self.take_as(role, walker),
            None => self.take_unnamed(name, walker),
        })
    }

    /// Reads `iss` alone, before it is known whose names the others have.
    pub(crate) fn issuer_of(text: &'a str) -> Result<Text<'a>, Malformed> {
        let mut issuer = None;
        Walker::new(text).whole_object(|name, walker| {
            if name == "iss" {
                issuer = filled(walker)?;
                return Ok(());
            }
            walker.skip()
        })?;
        Ok(issuer)
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
            "cnf" => self.binding = Some(binding(walker)?),
            _ => walker.skip()?,
        }
        Ok(())
    }

    /// Takes a claim whose name the rules give a meaning.
    fn take_as(&mut self, role: &Role, walker: &mut Walker<'a>) -> Result<(), Malformed> {
        match role {
            Role::Scopes => self.scope = Some(scopes(walker)?),
            Role::Client => self.client = filled(walker)?,
            Role::Id => self.id = filled(walker)?,
            Role::Environment => self.environment = filled(walker)?,
            Role::Tenant => self.tenant = filled(walker)?,
            Role::Plan => self.plan = filled(walker)?,
            Role::Addresses => self.addresses = Some(walker.strings()?),
            Role::Exactly(text) => self.demanded += usize::from(walker.string()? == **text),
        }
        Ok(())
    }

    /// Takes a claim whose name the rules give no meaning: registered ones keep their types, and only those of
    /// RFC 7519 and RFC 7800 are kept.
    fn take_unnamed(&mut self, name: &str, walker: &mut Walker<'a>) -> Result<(), Malformed> {
        match name {
            "iss" | "sub" | "aud" | "exp" | "nbf" | "iat" | "cnf" => self.take(name, walker),
            "jti" | "scope" | "client_id" => walker.string().map(drop),
            _ => walker.skip(),
        }
    }
}

/// The name of the only member, or none; anything else in `cnf` is a binding nobody can name.
fn binding<'a>(walker: &mut Walker<'a>) -> Result<Cow<'a, str>, Malformed> {
    if !walker.at_object() {
        walker.skip()?;
        return Ok(Cow::Borrowed(""));
    }
    let (mut method, mut members) = (String::new(), 0);
    walker.object(|name, walker| {
        members += 1;
        name.clone_into(&mut method);
        walker.skip()
    })?;
    Ok(if members == 1 { Cow::Owned(method) } else { Cow::Borrowed("") })
}

/// Scopes as one text, or as an array of texts that hold one each.
fn scopes<'a>(walker: &mut Walker<'a>) -> Result<Cow<'a, str>, Malformed> {
    if !walker.at_array() {
        return walker.string();
    }
    let all = walker.strings()?;
    if all.iter().any(|one| one.is_empty() || one.contains(' ')) {
        return Err(Malformed);
    }
    Ok(Cow::Owned(all.join(" ")))
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
        let mut claims = Claims::default();
        claims.read(text).unwrap();
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
            assert_eq!(Claims::default().read(&format!("{{{claim}}}")), Err(Malformed), "{claim}");
        }
    }
}
