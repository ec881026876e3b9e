//! Keeps images away from the model whose address leads into somebody's own network: the model's server would fetch them
//! from there for anybody who asks.
//!
//! The address itself is checked where it is read (`chat::Image`); here its name is looked up. That catches names of
//! public domains that lead to a private address. It can't be more than a first look: the model's server looks up the name
//! again, may be told something else, and follows redirects by its own rules.

use std::collections::BTreeSet;

use super::{TurnFailure, Turns};
use crate::domain::{
    chat::{InvalidImage, Message},
    public_address::is_public,
};

/// Different hosts of the images in one turn at the most: as many names as are looked up at once.
const MOST_HOSTS: usize = 16;

impl Turns {
    /// Fails if a message shows an image whose host has an address that isn't public, or there are too many hosts. All
    /// names are looked up at once, which takes about a second at the most. A name that can't be resolved here passes:
    /// where a proxy is the only way out, public names are unknown, and whoever rules a name could tell us anything.
    pub(super) async fn ensure_public_images(&self, messages: &[Message]) -> Result<(), TurnFailure> {
        let names = host_names(messages)?;
        if names.is_empty() {
            return Ok(());
        }
        let addresses = self.0.host_lookup.addresses_of_all(&names).await;
        if addresses.into_iter().all(is_public) { Ok(()) } else { Err(InvalidImage::NotPublic.into()) }
    }
}

/// The names of the hosts that have the images, each once.
fn host_names(messages: &[Message]) -> Result<BTreeSet<String>, InvalidImage> {
    let mut names = BTreeSet::new();
    for name in messages.iter().filter_map(|message| message.image.as_ref()?.host_name()) {
        names.insert(name);
        if names.len() > MOST_HOSTS {
            return Err(InvalidImage::TooManyHosts { most: MOST_HOSTS });
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::chat::{Image, Role};

    fn shown(url: &str) -> Message {
        Message { image: Some(Image::parse(url).unwrap()), ..Message::new(Role::User, "Who is it?".to_owned()) }
    }

    #[test]
    fn each_host_is_named_once() {
        let urls = ["https://a.example/1.png", "https://A.example:8443/2.png", "https://93.184.215.14/a.png"];
        let messages = urls.map(shown).into_iter().chain([Message::new(Role::User, "hi".to_owned())]);
        assert_eq!(host_names(&messages.collect::<Vec<_>>()), Ok(BTreeSet::from(["a.example".to_owned()])));
    }

    #[test]
    fn there_is_a_largest_number_of_hosts() {
        let of_hosts = |hosts: usize| {
            let urls = (0..200).map(|image| format!("https://h{}.example/{image}.png", image % hosts));
            host_names(&urls.map(|url| shown(&url)).collect::<Vec<_>>()).map(|names| names.len())
        };
        assert_eq!(of_hosts(MOST_HOSTS), Ok(MOST_HOSTS));
        assert_eq!(of_hosts(MOST_HOSTS + 1), Err(InvalidImage::TooManyHosts { most: MOST_HOSTS }));
    }
}
