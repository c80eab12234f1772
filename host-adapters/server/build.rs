//! Embeds the component of the HTTP service.

#[path = "../build/embed.rs"]
mod embed;

fn main() {
    embed::embed(
        "batchintory-http.wasm",
        "BATCHINTORY_HTTP_COMPONENT",
        &[
            "src",
            "wit",
            "host-adapters/http/src",
            "host-adapters/http/wit",
        ],
    );
}
