//! `pgstow man`: the manual pages, made of the same text as `--help`.

use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::{Cli, Context, print};
use crate::{Error, Result};

/// Options of `man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The verb whose page to print [default: the program's own]
    #[arg(value_name = "VERB")]
    verb: Option<String>,
    /// Write all pages into this directory, made if need be: pgstow.1, pgstow-backup.1, ...
    #[arg(long, value_name = "DIR", conflicts_with = "verb")]
    dir: Option<PathBuf>,
}

/// Prints a page, or writes all.
pub async fn run(args: Args, _context: &Context) -> Result<()> {
    let mut program = Cli::command();
    program.build();
    if let Some(dir) = &args.dir {
        let cannot = |e| Error::io(format!("cannot make directory {}", dir.display()), e);
        std::fs::create_dir_all(dir).map_err(cannot)?;
        write(&page(program.clone())?, dir, "pgstow")?;
        for verb in program.get_subcommands() {
            write(&page(verb.clone())?, dir, &format!("pgstow-{}", verb.get_name()))?;
        }
        return Ok(());
    }
    let command = match &args.verb {
        None => program,
        Some(verb) => program.find_subcommand(verb).cloned().ok_or_else(|| {
            Error::usage(format!("there is no verb {verb:?}")).hint("`pgstow --help` lists them.")
        })?,
    };
    print(&String::from_utf8_lossy(&page(command)?))
}

/// A page in the language of man(7).
fn page(command: Command) -> Result<Vec<u8>> {
    // A verb's own name has the program's in front already.
    let name = command.get_bin_name().unwrap_or("pgstow").replace(' ', "-");
    let mut out = Vec::new();
    Man::new(command)
        .title(name)
        .render(&mut out)
        .map_err(|e| Error::io("cannot write a manual page", e))?;
    Ok(out)
}

fn write(page: &[u8], dir: &Path, name: &str) -> Result<()> {
    let path = dir.join(format!("{name}.1"));
    std::fs::write(&path, page).map_err(|e| Error::io(format!("cannot write {}", path.display()), e))
}
