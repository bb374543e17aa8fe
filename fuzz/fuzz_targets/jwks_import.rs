//! libFuzzer's driver of [`aetherflow_fuzz::jwks_import`].
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    aetherflow_fuzz::jwks_import(data);
});

#[cfg(not(fuzzing))]
fn main() {}
