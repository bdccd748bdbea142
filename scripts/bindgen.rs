//! Writes the JavaScript and the types of a WebAssembly module, as
//! `wasm-bindgen IN --target web --out-dir FOLDER --out-name NAME` does.
//!
//!     bindgen-web IN FOLDER NAME
//!
//! The command wasm-bindgen is one half a test runner with a web server and an HTTPS client, and building
//! those would hold up the first start of the page.
use std::env;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let [input, folder, name] = args.as_slice() else {
        eprintln!("usage: bindgen-web IN FOLDER NAME");
        return ExitCode::from(2);
    };
    let mut bindgen = Bindgen::new();
    let written = bindgen.web(true).and_then(|bindgen| {
        bindgen
            .input_path(input)
            .typescript(true)
            .omit_default_module_path(false)
            .out_name(name)
            .generate(folder)
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:?}");
            ExitCode::FAILURE
        }
    }
}
