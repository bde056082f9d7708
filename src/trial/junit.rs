//! What came of a run of policy tests, in the form that build servers read: JUnit's XML.

use std::fmt::Write as _;
use std::time::Duration;

use crate::trial::report::told;
use crate::trial::run::{Failure, Run};

/// The whole file: a suite for each test file.
pub fn xml(run: &Run) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let tests = run.passed() + run.failed();
    // Writing to a String never fails, here and below.
    let _ = writeln!(
        out,
        "<testsuites name=\"gatepost\" tests=\"{tests}\" failures=\"{}\" time=\"{}\">",
        run.failed(),
        seconds(run.elapsed)
    );
    for file in &run.files {
        let path = escaped(&file.path.display().to_string());
        let failed = file.tests.iter().filter(|test| test.failure.is_some()).count();
        let broken = usize::from(file.problem.is_some());
        let (tests, failures) = (file.tests.len() + broken, failed + broken);
        let _ = writeln!(
            out,
            "  <testsuite name=\"{path}\" tests=\"{tests}\" failures=\"{failures}\" time=\"{}\">",
            seconds(file.elapsed)
        );
        if let Some(message) = &file.problem {
            let failure = Failure { message: message.clone(), ..Failure::default() };
            let _ = writeln!(out, "    <testcase classname=\"{path}\" name=\"loads\" time=\"0\">");
            out.push_str(&element(&failure));
        }
        for test in &file.tests {
            let name = escaped(&test.name);
            let (line, time) = (test.line, seconds(test.elapsed));
            let case = format!(
                "classname=\"{path}\" name=\"{name}\" file=\"{path}\" line=\"{line}\" time=\"{time}\""
            );
            match &test.failure {
                None => {
                    let _ = writeln!(out, "    <testcase {case}/>");
                }
                Some(failure) => {
                    let _ = writeln!(out, "    <testcase {case}>");
                    out.push_str(&element(failure));
                }
            }
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// The failure of a test, and the end of the test.
fn element(failure: &Failure) -> String {
    let first = escaped(failure.message.lines().next().unwrap_or_default());
    format!("      <failure message=\"{first}\">{}</failure>\n    </testcase>\n", escaped(&told(failure)))
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

/// `text` for XML, which knows no controls.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::trial::run::{FileRun, TestRun};

    use super::*;

    #[test]
    fn a_run_becomes_xml_with_everything_escaped() {
        let test = |name: &str, message: Option<&str>| TestRun {
            name: name.to_owned(),
            line: 3,
            failure: message.map(|message| Failure { message: message.to_owned(), ..Failure::default() }),
            elapsed: Duration::from_millis(2),
        };
        let file = |path: &str, tests, problem: Option<&str>| FileRun {
            path: path.into(),
            tests,
            problem: problem.map(str::to_owned),
            elapsed: Duration::from_millis(5),
        };
        let tests = vec![test("passes", None), test("a < b & \"c\"", Some("x_test.lua:4: got \u{1b}<>"))];
        let files = vec![file("x_test.lua", tests, None), file("y_test.lua", Vec::new(), Some("no Lua"))];
        let xml = xml(&Run { files, elapsed: Duration::from_millis(7) });
        for part in [
            "<testsuites name=\"gatepost\" tests=\"3\" failures=\"2\" time=\"0.007\">",
            "<testsuite name=\"x_test.lua\" tests=\"2\" failures=\"1\" time=\"0.005\">",
            "name=\"passes\" file=\"x_test.lua\" line=\"3\" time=\"0.002\"/>",
            "name=\"a &lt; b &amp; &quot;c&quot;\"",
            "<failure message=\"x_test.lua:4: got \u{fffd}&lt;&gt;\">",
            "<failure message=\"no Lua\">",
        ] {
            assert!(xml.contains(part), "{part} in\n{xml}");
        }
    }
}
