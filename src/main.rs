//! The thin binary: everything is in the library.

fn main() -> holdfast::cli::Exit {
    holdfast::cli::main()
}
