//! Metrics that policies make for themselves: counters and histograms with labels, one of each for all workers.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;

/// The metrics of all policies. Made when policies are loaded; a reload goes on with those that it finds.
#[derive(Debug, Default)]
pub struct PolicyMetrics {
    by_name: Mutex<BTreeMap<String, Family>>,
}

#[derive(Debug)]
struct Family {
    policy: String,
    series: Arc<Series>,
}

/// One metric: a figure for each set of labels that was seen.
#[derive(Debug)]
pub struct Series {
    shape: Shape,
    figures: RwLock<HashMap<Vec<String>, Arc<Figure>>>,
}

/// What a metric is.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The names of its labels.
    pub labels: Vec<String>,
    /// The upper bounds of a histogram's buckets, rising; none: it is a counter.
    pub bounds: Option<Vec<f64>>,
}

/// The figures of one set of labels.
#[derive(Debug, Default)]
struct Figure {
    /// The sum, as the bits of a floating-point number.
    sum: AtomicU64,
    /// One for each bound, and one for what is larger; none of a counter.
    buckets: Vec<AtomicU64>,
}

/// Why there is no such metric.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// Another policy has one that is shown under the same name.
    #[error("policy \"{0}\" has a metric that is shown under the same name")]
    Taken(String),
    /// There are as many as there may be.
    #[error("there are {FAMILIES} metrics of policies already")]
    TooMany,
}

/// Metrics of all policies together.
pub const FAMILIES: usize = 1000;
/// Sets of labels of one metric; those past it are counted as one, whose labels are all [`OTHER`].
pub const SETS: usize = 1000;
/// What stands for the labels of a set past [`SETS`].
pub const OTHER: &str = "other";

impl PolicyMetrics {
    /// The metric `name` of `policy`: the same for each worker that asks. One of another shape, as of before a reload,
    /// makes way for it.
    ///
    /// *Errors*: the name is taken, or there are too many.
    pub fn series(&self, policy: &str, name: &str, shape: Shape) -> Result<Arc<Series>, Refused> {
        let mut by_name = self.by_name.lock();
        let shown = shown(policy, name);
        match by_name.get(&shown) {
            Some(known) if known.policy != policy => return Err(Refused::Taken(known.policy.clone())),
            Some(known) if known.series.shape == shape => return Ok(Arc::clone(&known.series)),
            None if by_name.len() >= FAMILIES => return Err(Refused::TooMany),
            _ => {}
        }
        let series = Arc::new(Series { shape, figures: RwLock::default() });
        by_name.insert(shown, Family { policy: policy.to_owned(), series: Arc::clone(&series) });
        Ok(series)
    }

    /// Writes all of them on the page.
    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        for (name, family) in self.by_name.lock().iter() {
            let help = format!("Measured by the policy {}", family.policy);
            let kind = match family.series.shape.bounds {
                Some(_) => MetricType::Histogram,
                None => MetricType::Counter,
            };
            family.series.encode(encoder.encode_descriptor(name, &help, None, kind)?)?;
        }
        Ok(())
    }
}

/// The name on the page, without what stands before and behind all: what no metric's name can hold is `_`.
fn shown(policy: &str, name: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("script_{}_{name}", policy.chars().map(fits).collect::<String>())
}

impl Series {
    /// The names of its labels.
    pub fn labels(&self) -> &[String] {
        &self.shape.labels
    }

    /// The sum of what has these labels, if anything has.
    pub fn sum(&self, labels: &[String]) -> Option<f64> {
        let figures = self.figures.read();
        figures.get(labels).map(|figure| f64::from_bits(figure.sum.load(Ordering::Relaxed)))
    }

    /// Adds `value` to what has these labels, in the order of their names; a histogram also counts it.
    pub fn add(&self, labels: Vec<String>, value: f64) {
        let known = self.figures.read().get(&labels).cloned();
        let figure = known.unwrap_or_else(|| self.figure(labels));
        let add = |sum: u64| Some((f64::from_bits(sum) + value).to_bits());
        // It gives up never.
        let _ = figure.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        if let Some(bounds) = &self.shape.bounds {
            let place = bounds.iter().take_while(|bound| value > **bound).count();
            figure.buckets.get(place).map(|bucket| bucket.fetch_add(1, Ordering::Relaxed));
        }
    }

    fn figure(&self, mut labels: Vec<String>) -> Arc<Figure> {
        let mut figures = self.figures.write();
        if figures.len() >= SETS && !figures.contains_key(&labels) {
            labels.iter_mut().for_each(|label| OTHER.clone_into(label));
        }
        let buckets = self.shape.bounds.as_ref().map_or(0, |bounds| bounds.len() + 1);
        let new =
            || Figure { buckets: (0..buckets).map(|_| AtomicU64::new(0)).collect(), ..Figure::default() };
        Arc::clone(figures.entry(labels).or_insert_with(|| Arc::new(new())))
    }

    fn encode(&self, mut family: MetricEncoder<'_>) -> fmt::Result {
        let figures = self.figures.read();
        let mut sets: Vec<_> = figures.iter().collect();
        sets.sort_unstable_by_key(|(labels, _)| *labels);
        for (labels, figure) in sets {
            let names = self.shape.labels.iter().map(String::as_str);
            let named: Vec<(&str, &str)> = names.zip(labels.iter().map(String::as_str)).collect();
            match named.is_empty() {
                true => figure.encode(self.shape.bounds.as_deref(), &mut family)?,
                false => figure.encode(self.shape.bounds.as_deref(), &mut family.encode_family(&named)?)?,
            }
        }
        Ok(())
    }
}

impl Figure {
    fn encode(&self, bounds: Option<&[f64]>, metric: &mut MetricEncoder<'_>) -> fmt::Result {
        let sum = f64::from_bits(self.sum.load(Ordering::Relaxed));
        let Some(bounds) = bounds else { return metric.encode_counter::<NoLabels, f64, f64>(&sum, None) };
        let counts = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        let bounds = bounds.iter().copied().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        metric.encode_histogram::<NoLabels>(sum, count, &buckets, None)
    }
}

/// What an exemplar would have, of which there are none.
type NoLabels = Vec<(String, String)>;

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(labels: &[&str], bounds: Option<Vec<f64>>) -> Shape {
        Shape { labels: labels.iter().map(|label| (*label).to_owned()).collect(), bounds }
    }

    #[test]
    fn workers_and_reloads_count_in_the_same_place() {
        let metrics = PolicyMetrics::default();
        let first = metrics.series("p", "seen", shape(&["list"], None)).unwrap();
        let second = metrics.series("p", "seen", shape(&["list"], None)).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        let other = metrics.series("p", "seen", shape(&[], None)).unwrap();
        assert!(!Arc::ptr_eq(&first, &other), "of another shape it begins anew");
    }

    #[test]
    fn names_that_look_the_same_on_the_page_are_refused() {
        let metrics = PolicyMetrics::default();
        metrics.series("a.b", "c", shape(&[], None)).unwrap();
        for (policy, name) in [("a_b", "c"), ("a", "b_c")] {
            let refused = metrics.series(policy, name, shape(&[], None)).unwrap_err();
            assert_eq!(refused, Refused::Taken("a.b".into()), "{policy} {name}");
        }
    }

    #[test]
    fn sets_of_labels_and_metrics_are_bounded() {
        let metrics = PolicyMetrics::default();
        let series = metrics.series("p", "seen", shape(&["client"], None)).unwrap();
        for number in 0..SETS + 50 {
            series.add(vec![number.to_string()], 1.0);
        }
        let figures = series.figures.read();
        assert_eq!(figures.len(), SETS + 1);
        let other = figures.get(&vec![OTHER.to_owned()]).unwrap();
        assert_eq!(f64::from_bits(other.sum.load(Ordering::Relaxed)), 50.0);
        for number in 1..FAMILIES {
            metrics.series("p", &format!("m{number}"), shape(&[], None)).unwrap();
        }
        assert_eq!(metrics.series("p", "more", shape(&[], None)).unwrap_err(), Refused::TooMany);
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let metrics = PolicyMetrics::default();
        let series = metrics.series("p", "seconds", shape(&[], Some(vec![1.0, 2.0]))).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| series.add(vec![], 1.5)));
            }
        });
        let figures = series.figures.read();
        let figure = figures.get(&Vec::new()).unwrap();
        assert_eq!(f64::from_bits(figure.sum.load(Ordering::Relaxed)), 6000.0);
        let buckets: Vec<u64> = figure.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        assert_eq!(buckets, [0, 4000, 0]);
    }
}
