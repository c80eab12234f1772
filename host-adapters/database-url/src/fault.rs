//! What is wrong with a URL.

use std::fmt;

/// What is wrong with a URL. The words hold nothing of it but the names of known options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There is no colon.
    NoScheme,
    /// It begins with something else.
    UnknownScheme,
    /// A server's URL without `//` behind the colon.
    NoSlashes,
    /// A character that must be written as `%XX` wherever it stands.
    Character,
    /// A `%` that begins no code.
    Percent,
    /// What is decoded is no text.
    NotUtf8,
    /// More than one `@` before the database.
    At,
    /// A host's name that cannot be one.
    Host,
    /// A port that is none.
    Port,
    /// A `[` or `]` that encloses no address.
    Brackets,
    /// An option without `=`.
    OptionForm,
    /// An option that is given more than once.
    Repeated(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoScheme => "a URL such as sqlite:lake.sqlite or postgres://… is wanted",
            Self::UnknownScheme => {
                "its scheme is not known; known are sqlite, postgres, mysql and mariadb"
            }
            Self::NoSlashes => "// must follow the scheme, as in postgres://user:password@host/database",
            Self::Character => {
                "it has a # or a control character such as a line break, which must be written %23 or %0A"
            }
            Self::Percent => "it has a % that begins no code such as %20; a % itself is written %25",
            Self::NotUtf8 => "what its codes such as %20 stand for is no UTF-8 text",
            Self::At => "an @ in the user's name or the password must be written %40",
            Self::Host => {
                "a host must be a name of letters, digits, - . and _, an address, or the folder of a socket, \
                 written with %2F for /"
            }
            Self::Port => {
                "a port must be a number from 1 to 65535; in the user's name and the password, : / ? and @ \
                 are written %3A, %2F, %3F and %40"
            }
            Self::Brackets => {
                "[ and ] enclose an IPv6 address, as in [::1]:5432; elsewhere they are written %5B and %5D"
            }
            Self::OptionForm => "an option is not of the form name=value; in a value, & is written %26",
            Self::Repeated(name) => return write!(formatter, "the option {name} is given twice"),
        })
    }
}

impl std::error::Error for Fault {}
