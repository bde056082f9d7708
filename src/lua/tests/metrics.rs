//! `metrics` as scripts use it; how they are counted and shown is tested where that is done.

use std::sync::Arc;

use crate::lua::tests::support::{Setup, said, worker};
use crate::observe::policy_metrics::{PolicyMetrics, Shape};

#[test]
fn one_metric_for_all_states() {
    let metrics = Arc::new(PolicyMetrics::default());
    let text = "local seen = metrics.counter('seen_total', { 'list', 'hit' })
      local took
      return {
        setup = function() took = metrics.histogram('took') end,
        connect = function(session)
          seen:add(2, { list = 'zen', hit = true })
          seen:add(nil, { list = 'zen', hit = true })
          took:observe(0.3)
          return reject('done')
        end,
      }";
    let mut setup = Setup::new().policy("p", text);
    setup.parts = setup.parts.measuring(Arc::clone(&metrics));
    worker(async {
        for _ in 0..2 {
            assert_eq!(said(&setup.client().connect().await), "554 5.7.1 done");
        }
    });
    let labels = vec!["list".to_owned(), "hit".to_owned()];
    let seen = metrics.series("p", "seen", Shape { labels, bounds: None }).unwrap();
    assert_eq!(seen.sum(&["zen".to_owned(), "true".to_owned()]), Some(6.0));
}

#[test]
fn misuse_raises_at_the_callers_line() {
    for (call, want) in [
        ("metrics.counter()", "metrics.counter: the metric's name is wanted"),
        ("metrics.counter('a b')", "'a b' is no name"),
        ("metrics.counter('a', { 'le' })", "'le' can't be a label's name"),
        ("metrics.histogram('a', {}, { 2, 1 })", "bounds rise"),
        ("metrics.histogram('a', {}, {})", "a histogram has a bound at least"),
        ("metrics.counter('a').add()", "use `:`: counter:add(by, labels)"),
        ("metrics.counter('a'):add(-1)", "a number that is not negative"),
        ("metrics.counter('a', { 'x' }):add(1)", "labels are wanted: { x = "),
        ("metrics.counter('a', { 'x' }):add(1, { x = 1, y = 1 })", "labels are wanted: { x = "),
        ("metrics.histogram('a'):observe('1')", "histogram:observe: a number is wanted"),
    ] {
        let text = format!("{call} return {{}}");
        let problems = Setup::new().policy("p", &text).problems();
        assert!(
            problems.contains(&format!("p.lua:1: {want}")) || problems.contains(want),
            "{call}: {problems}"
        );
    }
    let text = "return { connect = function() metrics.counter('a') end }";
    worker(async {
        let said = said(&Setup::new().policy("p", text).client().connect().await);
        assert!(said.starts_with("421"), "made once, not in a hook: {said}");
    });
    let taken = Setup::new()
        .policy("a.b", "metrics.counter('c') return {}")
        .policy("a_b", "metrics.counter('c') return {}")
        .problems();
    assert!(taken.contains("policy \"a.b\" has a metric that is shown under the same name"), "{taken}");
}
