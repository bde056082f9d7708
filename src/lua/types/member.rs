//! One field or function of a class: its name, its form, and a word about it.

/// A field, a method, or a module's function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// A field's type, as `string?`, or a function's forms, as `(name: string): string[]?, Kind?`; ` or ` between
    /// several. Names of our own classes begin with a capital.
    pub form: &'static str,
    /// What it is, in a few words.
    pub help: &'static str,
}

/// What a later version brings; a script that asks for it is told so.
pub const LATER: &str = "Not in this version.";

/// One form of a function: what it takes and what it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature<'a> {
    /// Each parameter's name, with `?` where it may be left out, and its type.
    pub parameters: Vec<(&'a str, &'a str)>,
    /// The types of its results.
    pub results: Vec<&'a str>,
}

impl Member {
    /// A member of this name and form.
    pub(super) const fn new(name: &'static str, form: &'static str, help: &'static str) -> Member {
        Member { name, form, help }
    }

    /// A field or method of a later version.
    pub(super) const fn later(name: &'static str, form: &'static str) -> Member {
        Member { name, form, help: LATER }
    }

    /// Whether it is called, not read.
    pub fn is_function(&self) -> bool {
        self.form.starts_with('(')
    }

    /// Whether it is there only in a later version.
    pub fn is_later(&self) -> bool {
        self.help == LATER
    }

    /// Its forms, if it is a function: the usual one first.
    pub fn signatures(&self) -> Vec<Signature<'static>> {
        if !self.is_function() {
            return Vec::new();
        }
        self.form.split(" or ").filter_map(Signature::parse).collect()
    }

    /// The class of the field, or of the function's first result, if it is one of ours and always or perhaps there.
    pub fn class(&self) -> Option<&'static str> {
        let form = match self.is_function() {
            true => self.signatures().into_iter().next()?.results.into_iter().next()?,
            false => self.form,
        };
        let name = form.strip_suffix('?').unwrap_or(form);
        let is_class = name.starts_with(|c: char| c.is_ascii_uppercase());
        (is_class && name.chars().all(char::is_alphanumeric)).then_some(name)
    }
}

impl<'a> Signature<'a> {
    /// The signature that `form` describes: `(a: string, b?: T[]): R, S?`.
    fn parse(form: &'a str) -> Option<Self> {
        let mut depth = 0_usize;
        let is_end = |c: char| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        };
        let (parameters, results) = form.split_once(is_end)?;
        let parameters = parameters.strip_prefix('(')?;
        let parameters = apart(parameters).into_iter().filter_map(|one| one.split_once(": ")).collect();
        Some(Signature { parameters, results: apart(results.strip_prefix(": ").unwrap_or_default()) })
    }
}

/// The parts between the commas of `list` that stand in no bracket.
fn apart(list: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let is_border = |c: char| {
        match c {
            '<' | '{' | '(' => depth += 1,
            '>' | '}' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    };
    list.split(is_border).map(str::trim).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read() {
        let member = Member::new("f", "(a: string, b?: table<string, T>): Mx[]?, Kind? or ()", "");
        let want = Signature {
            parameters: vec![("a", "string"), ("b?", "table<string, T>")],
            results: vec!["Mx[]?", "Kind?"],
        };
        assert_eq!(member.signatures(), [want, Signature { parameters: vec![], results: vec![] }]);
        for (form, want) in [
            ("Client", Some("Client")),
            ("Transaction?", Some("Transaction")),
            ("(): DomainSet", Some("DomainSet")),
            ("(): fun(): Field?", None), // a function that gives one
            ("Rcpt[]", None),            // a list of them
            ("string", None),
            ("()", None),
        ] {
            assert_eq!(Member::new("m", form, "").class(), want, "{form}");
        }
    }
}
