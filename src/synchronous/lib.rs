//! The core is written as `async`, so that hosts may wait and tests may step through it. In the component,
//! whose imports are synchronous, no future ever waits; but each would be a state machine all the same,
//! whose variables lie in memory, with code for every place at which it may stop and be dropped.
//!
//! The crate `maybe-async` does so for `async fn`. It knows no `impl Future + Send`, which the core's trait for
//! databases needs: a host may run a call in any of its threads.

#![forbid(unsafe_code)]

use std::iter::Peekable;

use proc_macro::{Delimiter, Group, TokenStream, TokenTree, token_stream::IntoIter};

/// Compiles a function, an `impl` block or a trait as it stands; but in the component without `async` and
/// `.await`, and with `T` for `impl Future<Output = T>`.
///
/// What is waited for later than it is called, or never, would mean something else there: wait where you call.
#[proc_macro_attribute]
pub fn synchronous(_: TokenStream, item: TokenStream) -> TokenStream {
    let mut both =
        attributes("#[cfg(not(all(target_family = \"wasm\", feature = \"component\")))]");
    both.extend(item.clone());
    both.extend(attributes(
        "#[cfg(all(target_family = \"wasm\", feature = \"component\"))] #[allow(clippy::unused_unit)]",
    ));
    both.extend(plain(item));
    both
}

/// Attributes.
fn attributes(text: &str) -> TokenStream {
    text.parse().unwrap_or_default()
}

/// The same code without a word of futures.
fn plain(code: TokenStream) -> TokenStream {
    let mut tokens = code.into_iter().peekable();
    let mut plain = TokenStream::new();
    while let Some(token) = tokens.next() {
        let next = tokens.peek();
        if is_word(&token, "async") && next.is_some_and(can_be_async) {
            continue;
        }
        if is_mark(&token, '.') && next.is_some_and(|next| is_word(next, "await")) {
            tokens.next();
            continue;
        }
        if is_word(&token, "impl") && next.is_some_and(|next| is_word(next, "Future")) {
            plain.extend(output(&mut tokens));
            continue;
        }
        plain.extend([match token {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), self::plain(group.stream()));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            other => other,
        }]);
    }
    plain
}

/// A function, a closure or a block.
fn can_be_async(token: &TokenTree) -> bool {
    let is_block =
        matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    is_word(token, "fn") || is_mark(token, '|') || is_block
}

/// Takes `Future<Output = T> + Send`, and gives `T`.
fn output(tokens: &mut Peekable<IntoIter>) -> TokenStream {
    // `Future`, `<`, `Output`, `=`
    tokens.by_ref().take(4).for_each(drop);
    let mut output = TokenStream::new();
    let mut open = 1;
    for token in tokens.by_ref() {
        if is_mark(&token, '<') {
            open += 1;
        } else if is_mark(&token, '>') {
            open -= 1;
        }
        if open == 0 {
            break;
        }
        output.extend([token]);
    }
    if tokens.peek().is_some_and(|next| is_mark(next, '+')) {
        tokens.by_ref().take(2).for_each(drop);
    }
    output
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident.to_string() == word)
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}
