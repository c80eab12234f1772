//! Access tokens: whose they are, and what they allow.

use std::fmt;

use subtle::ConstantTimeEq as _;

/// A shorter one could be guessed.
const SHORTEST: usize = 16;

/// What still fits into a header and a cookie.
const LONGEST: usize = 256;

/// The longest name of a token's owner, in bytes.
const LONGEST_NAME: usize = 64;

/// The name of the one token that is given without a name.
const UNNAMED: &str = "api-token";

/// What a token allows. `admin` allows all that the others do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Roles {
    /// To read what there is, logs and results included.
    pub(crate) read: bool,
    /// To take batches and end them.
    pub(crate) work: bool,
    /// Everything.
    pub(crate) admin: bool,
}

impl Roles {
    fn read(text: &str) -> Option<Self> {
        let mut roles = Self::default();
        for role in text.split(',') {
            match role {
                "read" => roles.read = true,
                "work" => roles.work = true,
                "admin" => roles.admin = true,
                _ => return None,
            }
        }
        Some(roles)
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (self.read, "read"),
            (self.work, "work"),
            (self.admin, "admin"),
        ];
        let names = names.into_iter().filter(|(has, _)| *has);
        let names: Vec<&str> = names.map(|(_, name)| name).collect();
        formatter.write_str(&names.join(","))
    }
}

/// A token.
pub(crate) struct Token {
    /// Whose it is, for the audit log.
    pub(crate) name: String,
    pub(crate) roles: Roles,
    secret: String,
}

impl Token {
    /// What whoever has it sends.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Token of {} ({})", self.name, self.roles)
    }
}

/// All tokens of the service.
#[derive(Debug)]
pub(crate) struct Tokens(Vec<Token>);

impl Tokens {
    /// Reads the one token that may do everything, and the list: a line each, or parted by semicolons, with
    /// roles, name and token; what begins with `#` is a comment.
    pub(crate) fn read(single: Option<&str>, list: Option<&str>) -> Result<Self, String> {
        let mut tokens = Vec::new();
        if let Some(secret) = single.filter(|secret| !secret.is_empty()) {
            check_secret(secret).map_err(|reason| format!("the setting api-token: {reason}"))?;
            tokens.push(Token {
                name: UNNAMED.into(),
                roles: Roles {
                    admin: true,
                    ..Roles::default()
                },
                secret: secret.into(),
            });
        }
        let list = list.unwrap_or_default();
        for (index, line) in list.trim_start_matches('\u{feff}').lines().enumerate() {
            if line.trim_start().starts_with('#') {
                continue;
            }
            for entry in line.split(';').filter(|entry| !entry.trim().is_empty()) {
                let token = read_entry(entry).and_then(|token| match has(&tokens, &token.secret) {
                    true => Err("its token was given before, and whose it is must be clear".into()),
                    false => Ok(token),
                });
                tokens.push(token.map_err(|reason| {
                    format!("the setting api-tokens, line {}: {reason}", index + 1)
                })?);
            }
        }
        Ok(Self(tokens))
    }

    /// Whether there is not a single one.
    pub(crate) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The token that was sent. All are compared, each in a time that tells nothing but its length.
    pub(crate) fn find(&self, sent: &[u8]) -> Option<&Token> {
        let mut found = None;
        for token in &self.0 {
            if bool::from(sent.ct_eq(token.secret.as_bytes())) {
                found = Some(token);
            }
        }
        found
    }
}

fn has(tokens: &[Token], secret: &str) -> bool {
    tokens.iter().any(|token| token.secret == secret)
}

/// Reads `roles name token`. No error quotes any of it: words may stand in each other's place.
fn read_entry(entry: &str) -> Result<Token, String> {
    let words: Vec<&str> = entry.split_whitespace().collect();
    let [roles, name, secret] = words[..] else {
        return Err(format!(
            "it has {} words, but an entry has three: roles (`read`, `work`, `admin`, or several with \
             commas between), a name, and the token",
            words.len()
        ));
    };
    let roles = Roles::read(roles).ok_or(
        "its first word must be the roles: `read`, `work`, `admin`, or several with commas between",
    )?;
    let is_fine =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@');
    if name.len() > LONGEST_NAME || !name.bytes().all(is_fine) {
        return Err(format!(
            "its second word must be a name of at most {LONGEST_NAME} letters from a to z, digits, and \
             `-`, `_`, `.`, `@`"
        ));
    }
    check_secret(secret)?;
    Ok(Token {
        name: name.into(),
        roles,
        secret: secret.into(),
    })
}

fn check_secret(secret: &str) -> Result<(), String> {
    if !secret
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b';')
    {
        return Err(
            "a token must be of letters, digits and signs of ASCII, without blanks and semicolons"
                .into(),
        );
    }
    if !(SHORTEST..=LONGEST).contains(&secret.len()) {
        return Err(format!(
            "a token must have {SHORTEST} to {LONGEST} characters, not {}: a short one can be guessed; \
             `openssl rand -hex 16` makes one",
            secret.len()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef";
    const TWO: &str = "fedcba9876543210";

    #[test]
    fn a_list_names_owners_and_their_roles() {
        let list = format!(
            "\u{feff}# workers\r\n\r\nwork ci {ONE}\r\n  read,work  me@x.example\t{TWO} # no comment"
        );
        assert!(Tokens::read(None, Some(&list)).is_err());
        let list = list.replace(" # no comment", "");
        let tokens = Tokens::read(Some("the-one-of-admins"), Some(&list)).unwrap();
        let found = |secret: &str| {
            let token = tokens.find(secret.as_bytes())?;
            Some(format!("{token:?}"))
        };
        assert_eq!(found(ONE), Some("Token of ci (work)".into()));
        assert_eq!(found(TWO), Some("Token of me@x.example (read,work)".into()));
        assert_eq!(
            found("the-one-of-admins"),
            Some("Token of api-token (admin)".into())
        );
        for wrong in [
            "",
            "0123456789abcde",
            "0123456789abcdeF",
            "0123456789abcdef0",
        ] {
            assert_eq!(found(wrong), None, "{wrong}");
        }
        assert!(!format!("{tokens:?}").contains(ONE));
    }

    #[test]
    fn entries_may_stand_in_one_line_as_in_a_variable() {
        let list = format!("work ci {ONE}; read me {TWO};");
        let tokens = Tokens::read(Some(""), Some(&list)).unwrap();
        assert!(tokens.find(ONE.as_bytes()).is_some() && tokens.find(TWO.as_bytes()).is_some());
        assert!(Tokens::read(None, Some("# none\n")).unwrap().are_none());
    }

    #[test]
    fn what_is_no_list_is_told_without_any_word_of_it() {
        let repeated = format!("work ci {ONE}\nread me {ONE}");
        for (list, told) in [
            (&*format!("work {ONE}"), "line 1: it has 2 words"),
            (&format!("\nwork a b {ONE}"), "line 2: it has 4 words"),
            (&format!("{ONE} work ci"), "must be the roles"),
            (&format!("work,{ONE} ci {TWO}"), "must be the roles"),
            (&format!("work {ONE}/ {TWO}"), "must be a name"),
            ("work ci 0123456789abcde", "16 to 256 characters, not 15"),
            (&format!("work ci {}", "x".repeat(257)), "not 257"),
            (&format!("work ci {ONE}ä"), "of ASCII"),
            (&repeated, "line 2: its token was given before"),
        ] {
            let error = Tokens::read(None, Some(list)).unwrap_err();
            assert!(error.contains(told), "{error}");
            assert!(
                !error.contains(&ONE[..15]) && !error.contains(TWO),
                "{error}"
            );
        }
        let again = format!("read me {ONE}");
        assert!(Tokens::read(Some(ONE), Some(&again)).is_err());
        for single in ["tooshort", "with a blank in it", "0123456789abcdef;"] {
            let error = Tokens::read(Some(single), None).unwrap_err();
            assert!(
                error.contains("api-token") && !error.contains(single),
                "{error}"
            );
        }
    }
}
