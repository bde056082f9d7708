//! What came of an attempt, and the table of all.

/// One attempt and what the client heard.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// What was tried.
    pub(super) what: &'static str,
    /// The reply that decided.
    pub(super) heard: String,
    /// How the reply should begin.
    pub(super) due: &'static str,
    /// Why it is due.
    pub(super) why: &'static str,
}

impl Outcome {
    pub(super) fn is_expected(&self) -> bool {
        self.heard.starts_with(self.due)
    }

    /// Whether the message was acknowledged.
    pub(super) fn is_taken(&self) -> bool {
        self.heard.starts_with('2')
    }

    /// The reply without the session's id, which is of no use here, and not too long.
    fn shown(&self) -> String {
        let text = match self.heard.rsplit_once(" [") {
            Some((text, _)) if self.heard.ends_with(']') => text,
            _ => &self.heard,
        };
        match text.char_indices().nth(WIDEST) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text.to_owned(),
        }
    }
}

const WIDEST: usize = 52;

/// All outcomes, a line each.
pub(super) fn table(outcomes: &[Outcome]) -> String {
    let shown: Vec<String> = outcomes.iter().map(Outcome::shown).collect();
    let widest =
        |texts: &mut dyn Iterator<Item = &str>| texts.map(|text| text.chars().count()).max().unwrap_or(0);
    let what = widest(&mut outcomes.iter().map(|one| one.what)).max(TRIED.len());
    let heard = widest(&mut shown.iter().map(String::as_str)).max(HEARD.len());
    let mut out = format!("    {TRIED:<what$}  {HEARD:<heard$}  why\n");
    for (one, shown) in outcomes.iter().zip(&shown) {
        let mark = if one.is_expected() { "ok " } else { "BAD" };
        out.push_str(&format!("{mark} {:<what$}  {shown:<heard$}  {}\n", one.what, one.why));
        if !one.is_expected() {
            out.push_str(&format!("    {:<what$}  due was {}\n", "", one.due));
        }
    }
    out
}

const TRIED: &str = "what was tried";
const HEARD: &str = "what the client heard";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_marks_what_is_not_as_it_should_be() {
        let one = |heard: &str| Outcome {
            what: "relaying",
            heard: heard.to_owned(),
            due: "550 5.7.1",
            why: "relay guard",
        };
        let table = table(&[one("550 5.7.1 Relay access denied [0123456789ABCDEF]"), one("250 2.1.5 Ok")]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[1], "ok  relaying        550 5.7.1 Relay access denied  relay guard");
        assert_eq!(lines[2], "BAD relaying        250 2.1.5 Ok                   relay guard");
        assert_eq!(lines[3].trim(), "due was 550 5.7.1");
    }
}
