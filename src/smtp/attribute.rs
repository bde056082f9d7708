//! The words by which XCLIENT and XFORWARD tell a backend who the client is.

/// What XCLIENT can tell of a client. Source: Postfix XCLIENT_README.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is the attribute of its name
pub enum XclientAttribute {
    Name,
    Addr,
    Port,
    Proto,
    Helo,
    Login,
    DestAddr,
    DestPort,
}

/// What XFORWARD can tell of a client. Source: Postfix XFORWARD_README.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is the attribute of its name
pub enum XforwardAttribute {
    Name,
    Addr,
    Port,
    Proto,
    Helo,
    Ident,
    Source,
}

impl XclientAttribute {
    /// All of them, in the order of Postfix's documentation.
    pub const ALL: [XclientAttribute; 8] = [
        XclientAttribute::Name,
        XclientAttribute::Addr,
        XclientAttribute::Port,
        XclientAttribute::Proto,
        XclientAttribute::Helo,
        XclientAttribute::Login,
        XclientAttribute::DestAddr,
        XclientAttribute::DestPort,
    ];

    /// As it is written in the command.
    pub const fn as_str(self) -> &'static str {
        match self {
            XclientAttribute::Name => "NAME",
            XclientAttribute::Addr => "ADDR",
            XclientAttribute::Port => "PORT",
            XclientAttribute::Proto => "PROTO",
            XclientAttribute::Helo => "HELO",
            XclientAttribute::Login => "LOGIN",
            XclientAttribute::DestAddr => "DESTADDR",
            XclientAttribute::DestPort => "DESTPORT",
        }
    }
}

impl XforwardAttribute {
    /// All of them, in the order of Postfix's documentation.
    pub const ALL: [XforwardAttribute; 7] = [
        XforwardAttribute::Name,
        XforwardAttribute::Addr,
        XforwardAttribute::Port,
        XforwardAttribute::Proto,
        XforwardAttribute::Helo,
        XforwardAttribute::Ident,
        XforwardAttribute::Source,
    ];

    /// As it is written in the command.
    pub const fn as_str(self) -> &'static str {
        match self {
            XforwardAttribute::Name => "NAME",
            XforwardAttribute::Addr => "ADDR",
            XforwardAttribute::Port => "PORT",
            XforwardAttribute::Proto => "PROTO",
            XforwardAttribute::Helo => "HELO",
            XforwardAttribute::Ident => "IDENT",
            XforwardAttribute::Source => "SOURCE",
        }
    }
}
