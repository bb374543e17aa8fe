//! Nothing: the tests are built with serde_json's `arbitrary_precision` and `preserve_order`, and with both backends of
//! jsonwebtoken, as another crate of a user's tree may turn them on.
