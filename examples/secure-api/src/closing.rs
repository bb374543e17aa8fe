//! The word that the server is closing, for everything that waits.

use tokio::sync::watch;

/// Says that the server is closing.
#[derive(Debug)]
pub(crate) struct Close(watch::Sender<bool>);

/// Hears that the server is closing.
#[derive(Clone, Debug)]
pub(crate) struct Closing(watch::Receiver<bool>);

/// A pair that belongs together.
pub(crate) fn pair() -> (Close, Closing) {
    let (close, closing) = watch::channel(false);
    (Close(close), Closing(closing))
}

impl Close {
    /// Says it, to those who already wait and to those who will.
    pub(crate) fn now(&self) {
        self.0.send_replace(true);
    }
}

impl Closing {
    /// Waits until it is said; a sayer that is gone has said it.
    pub(crate) async fn heard(&mut self) {
        drop(self.0.wait_for(|is_closing| *is_closing).await);
    }
}
