//! Every host on every database, in one program: what it links is linked once.

#![allow(missing_docs)]

mod abandoned;
mod advance;
mod ages;
mod conditions;
mod dashboard;
mod ends;
mod event_loops;
mod failover;
mod faults;
mod items;
mod languages;
mod libsql;
mod looking_back;
mod loops;
mod meta_database;
mod mysql;
mod operations;
mod pages;
mod prepared;
mod processes;
mod properties;
mod real_faults;
mod runtimes;
mod scenarios;
mod settling;
mod settling_mysql;
mod sources;
mod split_reads;
mod statements;
mod taken_up;
mod upgrade;
mod waiting;
mod wasmtime_serve;
mod workerd;
