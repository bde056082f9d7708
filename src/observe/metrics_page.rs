//! metrics_page
