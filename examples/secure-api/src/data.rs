//! The data folder: one server's state, readable by its owner only.
//!
//! 1. A folder made here has mode 0700, a file 0600, whatever the umask.
//! 2. A file is replaced whole: written beside, synced, renamed.
//! 3. One server at a time holds the folder: a second would not see the first one's revocations.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::fault::Fault;

/// A data folder held by this process.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    // Held open for its lock, which the system releases with the process.
    _lock: File,
}

impl DataFolder {
    /// Opens the folder, making it if it is absent.
    ///
    /// # Errors
    ///
    /// [`Fault::Path`] when the folder cannot be made, read or written, or another server holds it.
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        let at = |source| Fault::Path { path: path.to_owned(), source };
        make_folder(path).map_err(at)?;
        let path = path.canonicalize().map_err(at)?;
        let lock = lock(&path.join(LOCK)).map_err(at)?;
        Ok(Self { path, _lock: lock })
    }

    /// Makes a new folder in the system's place for temporary ones, and leaves it there.
    ///
    /// # Errors
    ///
    /// [`Fault::Path`] when it cannot be made.
    pub(crate) fn temporary() -> Result<Self, Fault> {
        let parent = std::env::temp_dir();
        let made = tempfile::Builder::new().prefix("secure-api-").tempdir();
        let made = made.map_err(|source| Fault::Path { path: parent, source })?;
        Self::open(&made.keep())
    }

    /// Where the folder is, as an absolute path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the file `name` of the folder is.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The bytes of the file `name`, if there is one.
    ///
    /// # Errors
    ///
    /// [`Fault::Path`] when it is there and cannot be read.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
        let path = self.file(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Fault::Path { path, source }),
        }
    }

    /// Puts `bytes` in the file `name`, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`Fault::Path`] when it cannot be written, a full disk included.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        let path = self.file(name);
        replace(&path, bytes).map_err(|source| Fault::Path { path, source })
    }

    /// The bytes of the file `name`, made and written first if there is none.
    ///
    /// # Errors
    ///
    /// [`Fault::Path`] as for reading and writing, and whatever making them says.
    pub(crate) fn read_or_make(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, Fault>,
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        if let Some(bytes) = self.read(name)? {
            return Ok(bytes);
        }
        let bytes = make()?;
        self.write(name, &bytes)?;
        Ok(bytes)
    }
}

/// Makes the folder `path` with mode 0700, and takes the others' rights off an empty one.
///
/// # Errors
///
/// What the system says, and that `path` is no folder.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(PRIVATE_FOLDER).create(path)?;
    // A folder in use by others keeps its mode: it may be a home or a temporary folder named by mistake.
    if fs::read_dir(path)?.next().is_none() {
        fs::set_permissions(path, fs::Permissions::from_mode(PRIVATE_FOLDER))?;
    }
    Ok(())
}

fn lock(path: &Path) -> io::Result<File> {
    let file = private().create(true).truncate(false).open(path)?;
    file.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => {
            io::Error::new(io::ErrorKind::ResourceBusy, "another server holds it")
        }
        fs::TryLockError::Error(error) => error,
    })?;
    Ok(file)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = private().create(true).truncate(true).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()
}

/// Options that write, and that make a file only its owner can read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(PRIVATE_FILE);
    options
}

const LOCK: &str = "lock";
const PRIVATE_FOLDER: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folders_and_files_are_their_owners_alone() {
        let outer = tempfile::tempdir().unwrap();
        let data = DataFolder::open(&outer.path().join("a/b")).unwrap();
        data.write("keys/signing.key", b"secret").unwrap();
        assert_eq!(mode(data.path()), 0o700);
        assert_eq!(mode(&data.file("keys")), 0o700);
        assert_eq!(mode(&data.file("keys/signing.key")), 0o600);
        assert_eq!(mode(&data.file("lock")), 0o600);
    }

    #[test]
    fn what_was_written_is_read_back_and_made_only_once() {
        let outer = tempfile::tempdir().unwrap();
        let data = DataFolder::open(outer.path()).unwrap();
        assert_eq!(data.read("pepper").unwrap(), None);
        let made = data.read_or_make("pepper", || Ok(Zeroizing::new(vec![7; 3]))).unwrap();
        let kept = data.read_or_make("pepper", || Ok(Zeroizing::new(vec![8; 3]))).unwrap();
        assert_eq!((&made[..], &kept[..]), (&[7; 3][..], &[7; 3][..]));
    }

    #[test]
    fn a_second_server_is_refused_the_folder() {
        let outer = tempfile::tempdir().unwrap();
        let first = DataFolder::open(outer.path()).unwrap();
        let path = first.path().display().to_string();
        let refused = DataFolder::open(outer.path()).unwrap_err().to_string();
        assert_eq!(refused, format!("{path}: another server holds it"));
        drop(first);
        assert_eq!(DataFolder::open(outer.path()).unwrap().path().display().to_string(), path);
    }

    #[test]
    fn a_folder_that_cannot_be_is_named_in_the_fault() {
        let outer = tempfile::tempdir().unwrap();
        let file = outer.path().join("file");
        fs::write(&file, "").unwrap();
        let refused = DataFolder::open(&file.join("data")).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("{}/data: ", file.display())), "{refused}");
    }
}
