//! Keeps images away from the model whose address leads into somebody's own network: the model's server would fetch them
//! from there for anybody who asks.
//!
//! The address itself is checked where it is read (`chat::Image`); here its name is looked up. That catches names of
//! public domains that lead to a private address. It can't be more than a first look: the model's server looks up the name
//! again, may be told something else, and follows redirects by its own rules.

use super::{TurnFailure, Turns};
use crate::{
    chat::{InvalidImage, Message},
    public_address::is_public,
};

impl Turns {
    /// Fails if a message shows an image whose host has an address that isn't public. A name that can't be resolved here
    /// passes: where a proxy is the only way out, public names are unknown, and whoever rules a name could tell us
    /// anything.
    pub(super) async fn ensure_public_images(&self, messages: &[Message]) -> Result<(), TurnFailure> {
        for name in messages.iter().filter_map(|message| message.image.as_ref()?.host_name()) {
            let addresses = self.0.host_lookup.addresses(&name).await;
            if !addresses.into_iter().all(is_public) {
                return Err(InvalidImage::NotPublic.into());
            }
        }
        Ok(())
    }
}
