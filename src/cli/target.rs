//! Files that a command is going to write: whether they can be, and that nobody else does.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::CliError;

/// Fails if a file cannot be written at `path`, before hours are spent on what is to be in it. Whatever is
/// there stays.
pub(super) fn check_writable(path: &Path) -> Result<(), CliError> {
    let probe = partial(path);
    let is_folder = match path.is_dir() {
        true => Err(std::io::ErrorKind::IsADirectory.into()),
        false => Ok(()),
    };
    let written = is_folder
        .and_then(|()| File::create(&probe))
        .and_then(|_| fs::remove_file(&probe));
    written.map_err(|source| CliError::Write {
        path: path.into(),
        source,
    })
}

/// Writes a file beside its place and moves it there, so that nobody ever sees half of it.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let partial = partial(path);
    let written = fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path));
    written.map_err(|source| {
        // Whatever was left of it is of no use; that it cannot be removed adds nothing to the error.
        let _ = fs::remove_file(&partial);
        CliError::Write {
            path: path.into(),
            source,
        }
    })
}

fn partial(path: &Path) -> PathBuf {
    path.with_added_extension("partial")
}

/// Makes the folder that a file is to be written to.
pub(super) fn make_folder_of(path: &Path) -> Result<(), CliError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(|source| CliError::Write {
        path: folder.into(),
        source,
    })
}

/// A file that one program at a time may write. The system gives the lock back when the program ends,
/// however it ends; the lock's own file stays.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
    path: PathBuf,
}

impl Lock {
    /// Locks `path`, of which it makes a file with `.lock` added. Fails if another program holds it.
    pub(super) fn take(path: &Path) -> Result<Self, CliError> {
        let lock = path.with_added_extension("lock");
        let failed = |source| CliError::Write {
            path: lock.clone(),
            source,
        };
        let file = File::create(&lock).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                _file: file,
                path: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(CliError::InUse { path: path.into() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Gives the lock back and removes its file, where nothing is left to be locked.
    pub(super) fn remove(self) {
        // A lock's file that stays is in nobody's way.
        let _ = fs::remove_file(&self.path);
    }
}
