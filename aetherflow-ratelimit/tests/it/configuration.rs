//! What a plan may be.

use std::time::Duration;

use aetherflow_ratelimit::{ConfigError, Plan, Window};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn each_single_fault_of_a_window_has_its_own_error() {
    let longest = "a window's name of 31 letters..";
    assert_eq!(Window::new(longest, 60, MINUTE).map(|window| window.name().len()), Ok(31));
    for (case, name, limit, period, want) in [
        ("no name", "", 60, MINUTE, ConfigError::WindowName),
        ("32 letters", "a window's name of 32 letters...", 60, MINUTE, ConfigError::WindowName),
        ("a quote", "min\"ute", 60, MINUTE, ConfigError::WindowName),
        ("a backslash", "min\\ute", 60, MINUTE, ConfigError::WindowName),
        ("a control character", "min\nute", 60, MINUTE, ConfigError::WindowName),
        ("delete", "minute\x7f", 60, MINUTE, ConfigError::WindowName),
        ("more than ASCII", "minüte", 60, MINUTE, ConfigError::WindowName),
        ("limit 0", "minute", 0, MINUTE, ConfigError::ZeroLimit),
        ("period 0", "minute", 60, Duration::ZERO, ConfigError::Period),
        ("a part of a millisecond", "minute", 60, Duration::from_micros(1_500), ConfigError::Period),
        (
            "limit times period is 2^63",
            "minute",
            1 << 31,
            Duration::from_millis(1 << 32),
            ConfigError::TooLarge,
        ),
        ("the longest period", "minute", 1, Duration::new(u64::MAX, 0), ConfigError::TooLarge),
    ] {
        assert_eq!(Window::new(name, limit, period), Err(want), "{case}");
    }
}

#[test]
fn each_single_fault_of_a_plan_has_its_own_error() {
    let window = |name, seconds| Window::new(name, 60, Duration::from_secs(seconds)).unwrap();
    let (minute, hour) = (window("minute", 60), window("hour", 3_600));
    let good = Plan::new("plan", [minute, hour]).unwrap();
    assert_eq!(good.windows().copied().collect::<Vec<_>>(), [minute, hour]);
    for (case, name, windows, want) in [
        ("no name", "", vec![minute, hour], ConfigError::PlanName),
        ("no window", "plan", vec![], ConfigError::NoWindow),
        ("one name twice", "plan", vec![minute, window("minute", 3_600)], ConfigError::SameName),
        ("one period twice", "plan", vec![minute, hour, window("sixty", 60)], ConfigError::SamePeriod),
    ] {
        assert_eq!(Plan::new(name, windows), Err(want), "{case}");
    }
}

#[test]
fn a_window_shows_what_it_was_made_of() {
    let window = Window::new("burst ~!", u32::MAX, Duration::from_millis(250)).unwrap();
    assert_eq!(
        (window.name(), window.limit(), window.period()),
        ("burst ~!", u32::MAX, Duration::from_millis(250))
    );
}
