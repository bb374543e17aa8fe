use super::*;
use proptest::prelude::*;

fn walk(text: &str) -> Walked<()> {
    Walker::new(text).whole_object(|_, walker| walker.skip())
}

#[test]
fn every_legal_spelling_is_walked() {
    for text in [
        "{}",
        " \t\r\n{ \"a\" : 1 , \"b\" : [ ] } \n",
        r#"{"a":[null,true,false,"",0,-0,1.5e+9,{}],"b":{"a":{"a":1}}}"#,
        r#"{"\u0061":1,"b":"\ud83d\ude00\/\"\\"}"#,
        r#"{"é":"\u00e9","e":1E400}"#,
    ] {
        assert_eq!(walk(text), Ok(()), "{text}");
    }
}

#[test]
fn texts_that_two_readers_could_read_differently_are_refused() {
    for text in [
        "",
        "[]",
        "1",
        "{}{}",
        "{} x",
        "{",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{,"a":1}"#,
        r#"{a:1}"#,
        r#"{'a':1}"#,
        r#"{"a":1 "b":2}"#,
        r#"{"a":01}"#,
        r#"{"a":+1}"#,
        r#"{"a":1.}"#,
        r#"{"a":.5}"#,
        r#"{"a":1e}"#,
        r#"{"a":0x1}"#,
        r#"{"a":NaN}"#,
        r#"{"a":Infinity}"#,
        r#"{"a":nul}"#,
        r#"{"a":truex}"#,
        r#"{"a":True}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":1}//"#,
        "{\"a\":\"\n\"}",
        "{\"a\":\"\u{0}\"}",
        "\u{feff}{}",
        r#"{"a":"\x41"}"#,
        r#"{"a":"\u12"}"#,
        r#"{"a":"\u+123"}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\udc00"}"#,
        r#"{"a":"\ud800\u0041"}"#,
        r#"{"a":"\ud800\ud800"}"#,
        r#"{"a":"b}"#,
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":1}"#,
        r#"{"x":{"y":[{"a":1,"a":2}]}}"#,
        r#"{"":1,"":2}"#,
    ] {
        assert_eq!(walk(text), Err(Malformed), "{text}");
    }
}

#[test]
fn nesting_is_walked_to_its_cap_and_no_deeper() {
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(walk(&nested(MAX_DEPTH - 1)), Ok(()));
    assert_eq!(walk(&nested(MAX_DEPTH)), Err(Malformed));
    assert_eq!(walk(&format!("{{\"a\":{}", "[".repeat(1_000_000))), Err(Malformed));
}

#[test]
fn a_name_may_return_in_a_sibling_object() {
    assert_eq!(walk(r#"{"a":{"x":1},"b":{"x":1},"x":[{"x":1},{"x":1}]}"#), Ok(()));
}

/// JSON as a client may write it: legal, nearly legal, and not at all.
fn json_like() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        "\"[a-c\\\\/u0-9dé ]{0,8}\"",
        "[\\[\\]{}:,\"a0]{0,4}",
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(("\"[abc]{1,2}\"", inner), 0..4).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                format!("{{{}}}", members.join(" ,"))
            }),
        ]
    })
}

/// serde_json's reading of the text, unless it names a member twice or is no object.
fn serde_reads(text: &str) -> bool {
    struct Strict;
    impl<'de> serde::de::DeserializeSeed<'de> for Strict {
        type Value = ();
        fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
            from.deserialize_any(Self)
        }
    }
    impl<'de> serde::de::Visitor<'de> for Strict {
        type Value = ();
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("any value")
        }
        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }
        fn visit_bool<E>(self, _: bool) -> Result<(), E> {
            Ok(())
        }
        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            Ok(())
        }
        fn visit_i64<E>(self, _: i64) -> Result<(), E> {
            Ok(())
        }
        fn visit_f64<E>(self, _: f64) -> Result<(), E> {
            Ok(())
        }
        fn visit_str<E>(self, _: &str) -> Result<(), E> {
            Ok(())
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
            while seq.next_element_seed(Self)?.is_some() {}
            Ok(())
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            let mut names = std::collections::HashSet::new();
            while let Some(name) = map.next_key::<String>()? {
                if !names.insert(name) {
                    return Err(serde::de::Error::custom("twice"));
                }
                map.next_value_seed(Self)?;
            }
            Ok(())
        }
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = serde::de::DeserializeSeed::deserialize(Strict, &mut reader).and_then(|()| reader.end());
    read.is_ok() && text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{')
}

#[test]
fn eight_bytes_at_once_stop_where_one_at_a_time_does() {
    for at in 0..8 {
        for byte in 0..=u8::MAX {
            for filler in [b' ', b'a', 0x7f, 0x80, 0xff] {
                let mut word = [filler; 8];
                word[at] = byte;
                let first = stops(word).trailing_zeros() as usize / 8;
                let want = word.iter().position(|&byte| is_stop(byte)).unwrap_or(8);
                assert_eq!(first, want, "{word:02x?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn the_walker_and_serde_json_accept_the_same_objects(value in json_like()) {
        let text = format!("{{\"v\":{value}}}");
        prop_assert_eq!(walk(&text).is_ok(), serde_reads(&text), "{}", text);
    }

    #[test]
    fn a_string_is_read_as_serde_json_reads_it(value in any::<String>()) {
        let text = serde_json::json!({ "v": value }).to_string();
        let mut read = None;
        Walker::new(&text).whole_object(|_, walker| { read = Some(walker.string()?.into_owned()); Ok(()) }).unwrap();
        prop_assert_eq!(read, Some(value));
    }

    #[test]
    fn no_text_makes_the_walker_panic(text in any::<String>()) {
        let _answer = walk(&text);
    }
}
