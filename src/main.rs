//! Parses the command line and calls it.

/// A request makes some hundred small allocations on whichever thread is free, and the system's allocator makes threads
/// wait for one another: profile reads and sign-ups gain a tenth, for some 20 MB at rest.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    latchkey::cli::run()
}
