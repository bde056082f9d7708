//! A file of a thousand policy tests, for who runs it and for who measures that.

/// A thousand tests, `number 0` and on: each a session with a policy that looks at it.
pub(crate) fn thousand_tests() -> String {
    let one = |number: usize| {
        format!(
            "test('number {number}', function()\n\
             local client = session {{ policies = {{ 'helo' }} }}\n\
             client:ehlo('mail.example.net')\n\
             client:mail('ann@example.net'):expect(250)\n\
             client:rcpt('bob@ours.example'):expect(250)\nend)\n"
        )
    };
    (0..1000).map(one).collect()
}
