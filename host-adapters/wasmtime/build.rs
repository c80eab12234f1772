//! Embeds the planner component.

#[path = "../build/embed.rs"]
mod embed;

fn main() {
    embed::embed("batchintory.wasm", "BATCHINTORY_COMPONENT", &["src", "wit"]);
}
